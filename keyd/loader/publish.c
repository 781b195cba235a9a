/* SPDX-License-Identifier: Apache-2.0 */

/* SNAPSHOT, CERTIFICATES, CRL; the profiles and connections are in publish-profile.c and publish-connection.c */

#include "keyd/loader/publish.h"

#include <string.h>

#include "common/msg-certificates.h"
#include "common/msg-snapshot.h"
#include "keyd/loader/publish-internal.h"

#define PART_MAX (PROTO_RECORD_MAX - 1024U) /* of CERTIFICATES and CRL: what is around it fits the rest */

const ProfileResult *publish_find_result(const Publication *p, const char *name) {
        for (size_t i = 0; name && i < p->n_results; i++)
                if (strcmp(p->results[i].config->name, name) == 0)
                        return &p->results[i];

        return NULL;
}

static int add_opening(const Publication *p, RecordList *ret) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        char mid_name[PROTO_TEXT_MAX + 1];
        const Config *c = p->config;
        MsgSnapshot m = {
                .revision = p->request->load.revision,
                .max_calls = c->max_calls,
                .max_calls_per_user = c->max_calls_per_user,
                .max_header_bytes = c->max_header_bytes,
                .header_timeout_usec = c->header_timeout_usec,
                .idle_timeout_usec = c->idle_timeout_usec,
                .idle_exit_usec = c->idle_exit_usec,
                .tcp_token = c->tcp_token ? span_from_string(c->tcp_token) : (Span) {},
                .report_only = !c->enforce,
                .best_effort = !c->sandbox_strict,
        };
        int r;

        decide_copy_text(mid_name, sizeof(mid_name), c->mid_name);
        m.mid_name = span_from_string(mid_name);
        r = msg_snapshot_encode(&record, &m);

        return r < 0 ? r : record_list_add(ret, buf_span(&record));
}

/* CERTIFICATES */

int publish_append_certificate(Buf *to, const Certificate *c) {
        WireWriter w;

        wire_writer_init(&w, to);
        wire_put_vector(&w, 3, span_make(c->der, c->size));

        return wire_writer_end(&w);
}

static int add_part(const uint8_t *set_id, const Buf *part, bool last, RecordList *ret) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        MsgCertificates m = {.last = last, .certificates = buf_span(part)};
        int r;

        memcpy(m.set_id, set_id, sizeof(m.set_id));
        r = msg_certificates_encode(&record, &m);

        return r < 0 ? r : record_list_add(ret, buf_span(&record));
}

static int add_new_set(const CaSet *set, RecordList *ret) {
        _cleanup_(buf_done) Buf part = BUF_INIT(PART_MAX);
        int r;

        for (size_t i = 0; i < set->n_certificates; i++) {
                r = publish_append_certificate(&part, &set->certificates[i]);
                if (r == -EMSGSIZE && part.size > 0) {
                        r = add_part(set->id, &part, false, ret);
                        if (r < 0)
                                return r;
                        buf_clear(&part);
                        r = publish_append_certificate(&part, &set->certificates[i]);
                }
                if (r < 0)
                        return r;
        }
        return add_part(set->id, &part, true, ret);
}

static int add_old_set(const LoadRequest *q, const uint8_t *set_id, RecordList *ret) {
        MsgCertificates m;
        size_t cursor = 0;
        Span record, body;

        while (request_next(q->previous, MSG_CERTIFICATES, &cursor, &record, &body))
                if (msg_certificates_decode(body, &m) == 0 && memcmp(m.set_id, set_id, sizeof(m.set_id)) == 0) {
                        int r = record_list_add(ret, record);

                        if (r < 0)
                                return r;
                }
        return 0;
}

const uint8_t *publish_ca_set(const ProfileResult *r) {
        return r->generation == 0 ? NULL : r->keeps_ca ? r->previous.ca_set : r->ca->id;
}

static bool set_was_added(const Publication *p, size_t n_before, const uint8_t *set_id) {
        for (size_t i = 0; i < n_before; i++) {
                const uint8_t *other = publish_ca_set(&p->results[i]);

                if (other && memcmp(other, set_id, PROTO_SET_ID_SIZE) == 0)
                        return true;
        }
        return false;
}

static int add_sets(const Publication *p, RecordList *ret) {
        for (size_t i = 0; i < p->n_results; i++) {
                const ProfileResult *result = &p->results[i];
                const uint8_t *set_id = publish_ca_set(result);
                int r;

                if (!set_id || set_was_added(p, i, set_id))
                        continue;
                r = result->keeps_ca ? add_old_set(p->request, set_id, ret) : add_new_set(result->ca, ret);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* CRL */

static int add_crl_part(const char *profile, Span part, bool last, RecordList *ret) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgCrl m = {.profile = span_from_string(profile), .last = last, .part = part};
        int r;

        r = msg_crl_encode(&record, &m);
        return r < 0 ? r : record_list_add(ret, buf_span(&record));
}

static int add_new_crls(const ProfileResult *result, RecordList *ret) {
        const Buf *all = &result->crls;

        for (size_t done = 0; done < all->size;) {
                size_t n = MIN_OF(all->size - done, PART_MAX);
                int r = add_crl_part(result->config->name, span_make(all->data + done, n), done + n == all->size, ret);

                if (r < 0)
                        return r;
                done += n;
        }
        return 0;
}

static int add_old_crls(const LoadRequest *q, const char *profile, RecordList *ret) {
        size_t cursor = 0;
        Span record, body;
        MsgCrl m;

        while (request_next(q->previous, ROLE_CRL, &cursor, &record, &body))
                if (msg_crl_decode(body, &m) == 0 && span_is(m.profile, profile)) {
                        int r = record_list_add(ret, record);

                        if (r < 0)
                                return r;
                }
        return 0;
}

static int add_crls(const Publication *p, RecordList *ret) {
        for (size_t i = 0; i < p->n_results; i++) {
                const ProfileResult *result = &p->results[i];
                int r = 0;

                if (result->generation > 0)
                        r = result->keeps_crls ? add_old_crls(p->request, result->config->name, ret) : add_new_crls(result, ret);
                if (r < 0)
                        return r;
        }
        return 0;
}

int publish_snapshot(const Publication *p, RecordList *ret) {
        int r;

        r = add_opening(p, ret);
        if (r >= 0)
                r = add_sets(p, ret);
        if (r >= 0)
                r = add_crls(p, ret);
        for (size_t i = 0; i < p->n_results && r >= 0; i++)
                r = publish_profile(&p->results[i], ret);
        for (size_t i = 0; i < p->config->n_connections && r >= 0; i++)
                r = publish_connection(p, p->config->connections[i], ret);

        return r;
}
