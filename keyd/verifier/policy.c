/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/policy-internal.h"

Profile *policy_find_profile(const Policy *p, Span name) {
        for (Profile *i = p->profiles; i; i = i->next)
                if (span_equal(i->m.name, name))
                        return i;
        return NULL;
}

Connection *policy_find_connection(const Policy *p, Span alias) {
        for (Connection *i = p->connections; i; i = i->next)
                if (span_is(alias, i->alias))
                        return i;
        return NULL;
}

static const Leaf *find_leaf(const Profile *profile, uint64_t generation, uint64_t now) {
        for (const Leaf *i = profile->leaves; i; i = i->next)
                if (i->generation == generation && i->forget_usec > now)
                        return i;
        return NULL;
}

static int refuse(PolicyDecision *d, RefusalCode code, const char *sentence) {
        d->code = code;
        d->sentence = sentence;
        return 1;
}

/* Why there is no certificate of the generation that was asked for. */
static int refuse_generation(PolicyDecision *d, const Profile *profile) {
        if (profile->m.state == PROTO_STATE_EXPIRED)
                return refuse(d, REFUSAL_KEY_EXPIRED, "the client certificate has expired");
        if (profile->m.state == PROTO_STATE_NOT_YET_VALID)
                return refuse(d, REFUSAL_KEY_EXPIRED, "the client certificate is not valid yet");

        return refuse(d, REFUSAL_GENERATION_GONE, "the profile has no key of this generation");
}

int policy_decide(const Policy *p, Span alias, uint64_t generation, uint64_t now, int64_t realtime, PolicyDecision *ret) {
        const Connection *connection;
        const Profile *profile;
        const Leaf *leaf;

        *ret = (PolicyDecision) {};

        connection = p ? policy_find_connection(p, alias) : NULL;
        if (!connection)
                return refuse(ret, REFUSAL_PROFILE_UNKNOWN, p ? "there is no connection of this name" : "no configuration has been loaded yet");
        snprintf(ret->destination, sizeof(ret->destination), "%s:%u", connection->host, connection->port);

        profile = policy_find_profile(p, span_from_string(connection->profile));
        if (!profile)
                return refuse(ret, REFUSAL_PROFILE_NOT_FOR_ALIAS, "the connection's profile does not exist");
        ret->profile = profile->m.name;
        if (connection->state != PROTO_STATE_READY)
                return refuse(ret, REFUSAL_PROFILE_NOT_FOR_ALIAS, "the connection is not usable");

        leaf = find_leaf(profile, generation, now);
        if (!leaf)
                return refuse_generation(ret, profile);
        if (realtime < leaf->not_before || realtime > leaf->not_after)
                return refuse(ret, REFUSAL_KEY_EXPIRED, "the client certificate is not valid at this time");
        if (!profile->store)
                return refuse(ret, REFUSAL_SERVER_CERTIFICATE, "the profile's CA certificates or CRLs cannot be used");

        ret->check = (CheckPolicy) {
                .profile = profile->m.name,
                .generation = generation,
                .host = span_from_string(connection->host),
                .allowed_names = &profile->m.allowed_names,
                .pins = &profile->m.pins,
                .minimum_tls = profile->m.minimum_tls,
                .store = profile->store,
                .has_crls = profile->has_crls,
                .client_leaf = leaf->certificate,
        };
        return 0;
}
