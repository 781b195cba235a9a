/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/resolver/nss.h"

#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>

static void refuse(MsgAnswer *a, ResolveResult result, const char *text) {
        a->result = result;
        a->text = span_from_string(text);
        a->text.size = MIN_OF(a->text.size, (size_t) RESOLVE_TEXT_MAX);
}

/* A scoped address cannot be handed on, so it is left out. */
static void add_address(MsgAnswer *a, const struct sockaddr *address) {
        ResolveAddress *to = &a->addresses[a->n_addresses];

        if (address->sa_family == AF_INET) {
                memcpy(to->bytes, &((const struct sockaddr_in *) address)->sin_addr, 4);
                a->n_addresses++;
        } else if (address->sa_family == AF_INET6 && ((const struct sockaddr_in6 *) address)->sin6_scope_id == 0) {
                to->is_ipv6 = true;
                memcpy(to->bytes, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
                a->n_addresses++;
        }
}

static void find_host(const char *name, MsgAnswer *a) {
        const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list = NULL;
        int r;

        r = getaddrinfo(name, NULL, &hints, &list);
        if (r != 0) {
                refuse(a, r == EAI_NONAME || r == EAI_NODATA || r == EAI_ADDRFAMILY ? RESOLVE_UNKNOWN : RESOLVE_FAILED,
                       r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
                return;
        }

        for (const struct addrinfo *i = list; i && a->n_addresses < RESOLVE_ADDRESSES_MAX; i = i->ai_next)
                add_address(a, i->ai_addr);
        freeaddrinfo(list);
        if (a->n_addresses == 0)
                refuse(a, RESOLVE_UNKNOWN, "no address that can be used");
}

/* getpwnam(3): several errors mean that there is no such name. */
static void refuse_id(MsgAnswer *a) {
        if (errno == 0 || errno == ENOENT || errno == ESRCH || errno == EBADF || errno == EPERM)
                refuse(a, RESOLVE_UNKNOWN, "no such name");
        else
                refuse(a, RESOLVE_FAILED, strerror(errno));
}

static void find_user(const char *name, MsgAnswer *a) {
        const struct passwd *p;

        errno = 0;
        p = getpwnam(name);
        if (p)
                a->number = p->pw_uid;
        else
                refuse_id(a);
}

static void find_group(const char *name, MsgAnswer *a) {
        const struct group *g;

        errno = 0;
        g = getgrnam(name);
        if (g)
                a->number = g->gr_gid;
        else
                refuse_id(a);
}

int nss_answer(const MsgLookup *m, Buf *record) {
        static void (*const finders[_RESOLVE_KIND_MAX])(const char *name, MsgAnswer *a) = {
                [RESOLVE_HOST] = find_host,
                [RESOLVE_USER] = find_user,
                [RESOLVE_GROUP] = find_group,
        };
        _cleanup_free_ char *name = NULL;
        MsgAnswer a = {.id = m->id};
        int r;

        r = span_to_string(m->name, &name);
        if (r < 0)
                return r;

        ASSERT(finders[m->kind]);
        finders[m->kind](name, &a);
        return msg_answer_encode(record, &a);
}
