/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/tell.h"

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-quarantine.h"

#define SEND_USEC (10 * USEC_PER_SEC)

int tell_progress(int fd, const char *profile) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgProgress m = {.profile = span_from_string(profile)};
        int r;

        r = msg_progress_encode(&record, &m);
        if (r >= 0)
                r = chan_send(fd, buf_span(&record), deadline_after(SEND_USEC));

        return r < 0 ? log_errno(r, "Cannot speak to the supervisor") : 0;
}
