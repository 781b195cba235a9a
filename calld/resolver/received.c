/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/resolver/received.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "common/msg-hello.h"

static bool has_option(int fd, int option, int value) {
        socklen_t size = sizeof(int);
        int got;

        return getsockopt(fd, SOL_SOCKET, option, &got, &size) == 0 && got == value;
}

/*
 * Who listened at the other end is the kernel's word, see unix(7), which it has for no other family. Neither the resolver nor who has taken it over
 * can make another user listen.
 */
static bool is_keyd(int fd, uid_t keyd_uid) {
        struct ucred peer = {};
        socklen_t size = sizeof(peer);

        if (!has_option(fd, SO_TYPE, SOCK_SEQPACKET) || !has_option(fd, SO_ACCEPTCONN, 0))
                return false;
        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && size == sizeof(peer) && peer.uid == keyd_uid;
}

static bool take_flags(int fd) {
        int flags = fcntl(fd, F_GETFL);

        return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

int received_answer(int fd, Buf *record, uid_t keyd_uid, MsgAnswer *ret, int *ret_fd) {
        _cleanup_fd_ int passed = -1;
        uint8_t type;
        Span body;
        int r;

        r = chan_receive_with(fd, record, &passed);
        if (r != 0)
                return r;
        if (msg_split(buf_span(record), &type, &body) != 0 || type != RESOLVE_ANSWER || msg_answer_decode(body, ret) != 0)
                return CHAN_E_VIOLATION;
        if (passed >= 0 && (ret->result != RESOLVE_OK || !is_keyd(passed, keyd_uid) || !take_flags(passed)))
                return CHAN_E_VIOLATION;

        *ret_fd = TAKE_FD(passed);
        return 0;
}
