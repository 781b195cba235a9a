/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/age.h"

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-load.h"
#include "keyd/loader/config/config-internal.h"
#include "keyd/loader/store.h"

#define SEND_USEC (10 * USEC_PER_SEC)

void age_note(Vault *v, const MsgLoad *load) {
        for (size_t i = 0; i < ROLE_STORES; i++) {
                uint64_t since = load->fetched_realtime[i];

                v->channels[i].is_young = load->quiet && since > 0 && load->realtime >= since &&
                                          load->realtime - since < v->configs[i].refresh_usec / USEC_PER_SEC;
        }
}

bool age_is_young(const Vault *v, const MsgLoad *load, const ProfileResult *r) {
        return load->quiet && !load->resend_keys && !load->signer_is_empty && r->has_previous && r->previous.generation > 0 &&
               r->previous.state == PROTO_STATE_READY && r->previous.reason.size == 0 && store_asks_vault(r->config) && vault_is_young(v, r->config);
}

int age_tell_refresh(const Vault *v, const ProfileResult *results, size_t n_results) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const StoreConfig *instance = &v->configs[ROLE_STORE_INSTANCE];
        MsgRefresh m = {.within_sec = UINT32_MAX};
        int r;

        if (store_config_is_set(instance) && !instance->problem)
                m.within_sec = (uint32_t) (instance->refresh_usec / USEC_PER_SEC);
        for (size_t i = 0; i < n_results; i++)
                m.within_sec = MIN_OF(m.within_sec, vault_refresh_sec(v, results[i].config));
        if (m.within_sec == UINT32_MAX)
                return 0;
        r = msg_refresh_encode(&record, &m);
        if (r >= 0)
                r = chan_send(v->control_fd, buf_span(&record), deadline_after(SEND_USEC));

        return r < 0 ? log_errno(r, "Cannot speak to the supervisor") : 0;
}
