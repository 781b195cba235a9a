#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A worker's way to calld-resolver: names to addresses, users and groups to numbers, and new connections to keyd
 *
 * Made with the worker's loop and its end of a channel; used from the loop's thread alone. Every question has a deadline of its own, and when
 * the resolver has ended, each is answered at once. Lookups of the same name that are under way share one question.
 */

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "common/msg-resolve.h"

typedef struct ResolverClient ResolverClient;
typedef struct ResolverLookup ResolverLookup; /* one who waits */

/* From the loop, once; the lookup is gone by then. @answer is valid during the call. */
typedef void (*ResolverOnAnswer)(void *userdata, const MsgAnswer *answer);

/* The resolver has ended: from the loop, once. */
typedef void (*ResolverOnEnd)(void *userdata);

/* Takes over @fd. @keyd_uid: who listens at keyd's socket. @on_end may be NULL. Return: 0 or -errno (@fd is closed) */
int resolver_client_new(sd_event *loop, int fd, uid_t keyd_uid, ResolverOnEnd on_end, void *userdata, ResolverClient **ret) _must_check_;

/* Whoever waits is never answered. Takes NULL. */
ResolverClient *resolver_client_free(ResolverClient *c);
DEFINE_CLEANUP(ResolverClient *, resolver_client_free)

/* Addresses of @name, of 1 to RESOLVE_NAME_MAX bytes. Return: 0 with *ret set, which is the caller's until the answer or the cancellation; -errno */
int resolver_find_host(ResolverClient *c, Span name, uint64_t deadline_usec, ResolverOnAnswer on_answer, void *userdata, ResolverLookup **ret)
        _must_check_;
ResolverLookup *resolver_cancel(ResolverLookup *l);

/*
 * Waits, at most until @deadline_usec; no callback comes meanwhile.
 *
 * @kind: RESOLVE_USER or RESOLVE_GROUP
 * Return: 0, RESOLVER_E_UNKNOWN, RESOLVER_E_FAILED, -errno
 */
int resolver_find_id(ResolverClient *c, ResolveKind kind, Span name, uint64_t deadline_usec, uint32_t *ret) _must_check_;

/* The same for the unit of a process; "" when it is not to be seen. @ret: RESOLVE_TEXT_MAX + 1 bytes */
void resolver_find_unit(ResolverClient *c, pid_t pid, uint64_t deadline_usec, char *ret);

/* The same for a connection to keyd, CLOEXEC and non-blocking. Return: 0, -ETIMEDOUT, -ECONNREFUSED when there is none, other -errno */
int resolver_connect_keyd(ResolverClient *c, uint64_t deadline_usec, int *ret_fd) _must_check_;

enum {
        _RESOLVER_E_SUCCESS,
        RESOLVER_E_UNKNOWN, /* there is no such user or group */
        RESOLVER_E_FAILED,  /* that is not known */
};
