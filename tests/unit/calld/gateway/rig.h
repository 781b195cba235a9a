#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A whole calld for tests: the built daemon with passed sockets, a keyd in a thread that states connections and signs, and far servers
 *
 * Aliases: `tls12`, `tls13` (with X-Tenant: 42), `base` (BasePath=/api/v2), `small` (MaxRequestBytes=1K, MaxResponseBytes=1K), `slow` (Timeout=1s),
 * `denied` (AllowUsers= of somebody else), `paths` (AllowMethods=GET, and the paths right below /bytes), `open` (AllowUsers=*), `closed` (nothing
 * listens), `broken` (its profile is not loaded), `nodns`, `address` (DenyAddresses=loopback), `strict` (MinimumTLS=1.3, the server has 1.2);
 * servers: `nobody`, `nobody12` (ask for no certificate), `refuses12`, `refuses13` (do not like ours), `stranger` (another CA), `wrongname`, `plain`
 * (HTTP where TLS is expected), `mute` (ConnectTimeout=1s).
 */

#include <sys/types.h>

#include "tests/unit/calld/gateway/far-server.h"
#include "tests/unit/calld/gateway/http-client.h"
#include "tests/unit/calld/keyprov/credentials.h"
#include "tests/unit/calld/keyprov/fake-keyd.h"

typedef struct Rig {
        EVP_PKEY *ca_key, *key;
        X509 *ca, *certificate, *certificate2; /* the second identity has the same key, so that one fake keyd signs for both */
        EVP_PKEY *other_key;                   /* of a CA that nobody knows */
        X509 *other_ca;
        FakeKeyd *keyd;
        FarServer *tls12, *tls13, *nobody, *nobody12, *refuses12, *refuses13, *stranger, *wrongname, *plain, *mute;
        char folder[64], socket[96], log[96];
        int listen_fd, tcp_fd;
        uint16_t tcp_port;
        pid_t calld;
} Rig;

#define RIG_TOKEN "0123456789abcdef-token"
#define RIG_TOKEN_FIELD "Midtls-Token: " RIG_TOKEN "\r\n"

Rig *rig_new(void);

/* For cmocka's groups */
int rig_set_up(void **state);
int rig_tear_down(void **state);

/* Ends calld by SIGTERM. Return: its wait status */
int rig_stop(Rig *r);
Rig *rig_free(Rig *r);

/* Sends @request (method, target, fields without the last empty line), takes the answer on a connection of its own. */
void rig_call(Rig *r, const char *alias, const char *method, const char *target, const char *fields, Span body, HttpAnswer *ret);

/* Waits until @n_calls are under way. Asserts after ten seconds. */
void rig_wait_calls(Rig *r, unsigned n_calls);

/* Waits until calld's log holds @text on one line with @with (NULL: any). Asserts after ten seconds. */
void rig_wait_log(Rig *r, const char *text, const char *with);

/* Prints what of calld's log is no record: reports of a sanitizer. */
void rig_show_reports(Rig *r);
