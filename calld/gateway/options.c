/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/options.h"

#include <strings.h>

#include "common/parse.h"

#define PREFIX "Midtls-"

typedef struct OptionRow {
        const char *name;
        bool (*take)(RequestOptions *o, const char *value);
        const char *right; /* what would be right */
} OptionRow;

static bool take_timeout(RequestOptions *o, const char *value) {
        return parse_timespan(value, &o->timeout_usec) == 0 && o->timeout_usec > 0;
}

static bool take_retry(RequestOptions *o, const char *value) {
        o->retry_off = true;
        return strcasecmp(value, "off") == 0;
}

static bool take_soap(RequestOptions *o, const char *value) {
        o->soap = soap_version_from_string(value);
        return o->soap != SOAP_NONE;
}

/* It goes into a quoted string: RFC 9110, 5.6.4 */
static bool take_soap_action(RequestOptions *o, const char *value) {
        o->soap_action = value;
        for (const char *p = value; *p; p++)
                if (*p < 0x20 || *p == 0x7f || *p == '"' || *p == '\\')
                        return false;
        return true;
}

static bool take_soap_addressing(RequestOptions *o, const char *value) {
        o->soap_addressing = true;
        return strcmp(value, "1.0") == 0;
}

static bool take_token(RequestOptions *o, const char *value) {
        o->token = value;
        return true;
}

static const OptionRow rows[] = {
        {PREFIX "Timeout", take_timeout, "a time span such as 30s"},
        {PREFIX "Retry", take_retry, "off"},
        {PREFIX "Soap", take_soap, "1.1 or 1.2"},
        {PREFIX "Soap-Action", take_soap_action, "a URI"},
        {PREFIX "Soap-Addressing", take_soap_addressing, "1.0"},
        {PREFIX "Token", take_token, "a token"},
};

bool option_is_ours(const char *name) {
        return strncasecmp(name, PREFIX, strlen(PREFIX)) == 0;
}

static int refuse(CallError *e, const char *name, const char *right, const char *why) {
        char hint[256];

        snprintf(hint, sizeof(hint), "%.60s takes %s.", name, right);
        call_error_set(e, CALL_REQUEST_INVALID, hint, "the field %.60s %s", name, why);
        return 1;
}

int option_take(RequestOptions *o, const char *name, const char *value, CallError *ret_error) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (strcasecmp(rows[i].name, name) != 0)
                        continue;
                if (o->seen & (1U << i))
                        return refuse(ret_error, rows[i].name, rows[i].right, "is there twice");
                o->seen |= 1U << i;
                return rows[i].take(o, value) ? 0 : refuse(ret_error, rows[i].name, rows[i].right, "has a value that means nothing");
        }

        call_error_set(ret_error, CALL_REQUEST_INVALID,
                       "There are Midtls-Timeout, Midtls-Retry, Midtls-Soap, Midtls-Soap-Action, Midtls-Soap-Addressing and Midtls-Token.",
                       "there is no option %.60s", name);
        return 1;
}
