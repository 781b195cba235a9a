#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inside of keyd: its roles, each an executable of its own, and the channels between them
 *
 * A channel is a SOCK_SEQPACKET socket pair; one record is one message, a byte that names its type, then its body, as in proto.h.
 * The supervisor makes the pair of the verdicts once and keeps both ends, so that a role that died is replaced and its neighbour keeps its end.
 * Control is new with each start of a role, keys with each start of the signer, load and fetch with each loader: what a dead one left unread is
 * gone.
 *
 *      channel    from        to          records
 *      control    supervisor  verifier    ROLE_CALLER (with one descriptor: a connection of calld, accepted);
 *                                         SNAPSHOT CERTIFICATES* ROLE_CRL* PROFILE* CONNECTION* SNAPSHOT_END after every load
 *                 supervisor  signer      nothing
 *                 both        supervisor  ROLE_READY, once, when the role has confined itself
 *                 verifier    supervisor  ROLE_IDLE, when the last connection that it had has gone
 *      verdicts   verifier    signer      ROLE_VERDICT
 *                 signer      verifier    SIGNATURE, REFUSAL
 *      keys       loader      signer      ROLE_KEYS_BEGIN ROLE_KEY* ROLE_GRANT* ROLE_BINDING* ROLE_KEYS_END
 *                 signer      loader      ROLE_KEYS_TAKEN
 *      load       supervisor  loader      ROLE_LOAD ROLE_GENERATION* ROLE_QUARANTINE*, the records of the last snapshot as the verifier got
 *                                         them, ROLE_LOAD_END
 *                 loader      supervisor  the records of the new snapshot, in the same order as to the verifier; before SNAPSHOT_END also
 *                                         ROLE_WATCH and REPORT (see msg-admin.h), which go no further than the supervisor and its callers,
 *                                         ROLE_RETRY: what failed now may work soon, and ROLE_REFRESH: when it is to load again at the latest;
 *                                         before SNAPSHOT ROLE_FETCHER, once a store, to have a fetcher started for it, ROLE_KEEP: a profile that
 *                                         the instance gave, and ROLE_PROGRESS, one a profile that is read, one behind the last, and two around
 *                                         each wait for a store: what follows is nobody's time, then again the profile's
 *      fetch      loader      fetcher,    one channel a store: ROLE_FETCH_CA* ROLE_FETCH_OPEN, then ROLE_FETCH_ASK; see keyd/crypto/fetch.h
 *                 fetcher     loader      ROLE_FETCH_ANSWER to OPEN and to each ASK
 *
 * ROLE_KEY is the only message anywhere that holds private key bytes, and the keys channel the only place where it is known.
 * A fetcher faces one secret store (network, no file once it is open) and lives as long as the load that asked for it; the loader has no network.
 * Each store has a fetcher of its own: what one answers is not read where the credentials for another lie.
 * The verifier faces calld (no key, no file, no network). The signer faces the verifier only, and believes it nothing it can check itself.
 * A role reads its descriptors at the numbers below, and nothing else is open in it but standard error and the journal's socket.
 */

#include "common/def.h"

#define ROLE_FD_CONTROL 3 /* for the loader: the load channel; for the fetcher: the fetch channel */
#define ROLE_FD_VERDICTS 4
#define ROLE_FD_KEYS 5
#define ROLE_FD_JOURNAL 6 /* a socket for records; not there when they go to standard error */
#define ROLE_FD_FETCH 7   /* of the loader: the first of ROLE_STORES, in their order */

/* Secret stores, each asked by a process of its own: a fetcher, or where a program is to be run, the runner */
typedef enum RoleStore {
        ROLE_STORE_CYBERARK, /* Central Credential Provider, over the network; or Credential Provider, by its program */
        ROLE_STORE_VAULT,    /* HashiCorp Vault, OpenBao */
        ROLE_STORE_CONJUR,
        ROLE_STORE_INSTANCE, /* a ServiceNow instance: it gives profiles */
        ROLE_STORES,
} RoleStore;

typedef enum RoleMsgType {
        ROLE_READY = 0x41,
        ROLE_CALLER = 0x42,
        ROLE_CRL = 0x43,
        ROLE_VERDICT = 0x44,
        ROLE_KEYS_BEGIN = 0x45,
        ROLE_KEY = 0x46,
        ROLE_GRANT = 0x47,
        ROLE_BINDING = 0x48,
        ROLE_KEYS_END = 0x49,
        ROLE_KEYS_TAKEN = 0x4a,
        ROLE_LOAD = 0x4b,
        ROLE_LOAD_END = 0x4c,
        ROLE_WATCH = 0x4d,
        ROLE_GENERATION = 0x4e,
        ROLE_PROGRESS = 0x4f,
        ROLE_QUARANTINE = 0x50,
        ROLE_FETCHER = 0x51,
        ROLE_RETRY = 0x52,
        ROLE_FETCH_CA = 0x53,
        ROLE_FETCH_OPEN = 0x54,
        ROLE_FETCH_ASK = 0x55,
        ROLE_FETCH_ANSWER = 0x56,
        ROLE_IDLE = 0x57,
        ROLE_REFRESH = 0x58,
        ROLE_KEEP = 0x59,
} RoleMsgType;

#define ROLE_KEY_BYTES_MAX 16384U /* PKCS#8 of RSA-8192 has about 4,700 */
#define ROLE_CRL_BYTES_MAX (4U * 1024 * 1024)
#define ROLE_DESTINATION_MAX 260U        /* host:port */
#define ROLE_SNAPSHOT_RECORDS_MAX 20000U /* of a whole snapshot */
#define ROLE_SNAPSHOT_BYTES_MAX (64U * 1024 * 1024)
#define ROLE_EXTRA_RECORDS_MAX 65536U /* WATCH and REPORT of a load */

/* How long the signer keeps a generation that a newer one has replaced: handshakes under way end on it. */
#define ROLE_OLD_GENERATION_USEC (60 * USEC_PER_SEC)
