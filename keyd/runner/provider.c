/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/runner/provider.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

#include "keyd/crypto/cyberark.h"

#define HINT_PROGRAM "see whether Program= in [CyberArk] is clipasswordsdk, and run it by hand as the user midtls-keyd"

void provider_arguments_done(ProviderArguments *a) {
        for (size_t i = 0; i < a->n_items; i++)
                free(a->items[i]);
        *a = (ProviderArguments) {};
}

static int _printf_(2, 3) add(ProviderArguments *a, const char *format, ...) {
        va_list ap;
        int n;

        ASSERT(a->n_items + 1 < PROVIDER_ARGUMENTS_MAX);
        va_start(ap, format);
        n = vasprintf(&a->items[a->n_items], format, ap);
        va_end(ap);
        if (n < 0) {
                a->items[a->n_items] = NULL;
                return -ENOMEM;
        }

        a->n_items++;
        return 0;
}

/* A semicolon would begin another criterion. */
static bool has_semicolon(const FetchAsk *ask) {
        return strchr(ask->container, ';') || strchr(ask->folder, ';') || strchr(ask->object, ';') || strchr(ask->part, ';');
}

int provider_make_arguments(const FetchOpen *open, const FetchAsk *ask, ProviderArguments *ret, FetchAnswer *ret_failure) {
        _cleanup_(provider_arguments_done) ProviderArguments a = {};
        int r;

        if (has_semicolon(ask)) {
                fetch_fail(ret_failure, FETCH_CONFIGURATION, CYBERARK_HINT_QUERY, "a name that is asked of CyberArk has a semicolon");
                return 1;
        }

        r = add(&a, "%s", open->endpoint);
        if (r >= 0)
                r = add(&a, "GetPassword");
        if (r >= 0)
                r = add(&a, "-p");
        if (r >= 0)
                r = add(&a, "AppDescs.AppID=%s", open->identity);
        if (r >= 0)
                r = add(&a, "-p");
        if (r >= 0)
                r = add(&a, "Query=Safe=%s;%s%s%sObject=%s%s%s", ask->container, *ask->folder ? "Folder=" : "", ask->folder, *ask->folder ? ";" : "",
                        ask->object, *ask->part ? ";PolicyID=" : "", ask->part);
        if (r >= 0)
                r = add(&a, "-p");
        if (r >= 0)
                r = add(&a, "FailRequestOnPasswordChange=false");
        if (r >= 0)
                r = add(&a, "-o");
        /* The password last: it may hold what parts the values. */
        if (r >= 0)
                r = add(&a, "PasswordChangeInProcess,Password");
        if (r < 0)
                return r;

        *ret = a;
        a = (ProviderArguments) {};
        return 0;
}

/* The first word of standard error that is a known code; NULL: none is */
static const CyberArkMeaning *find_code(const Secret *error) {
        const char *text = (const char *) secret_data(error);
        char word[FETCH_CODE_MAX + 1];

        for (size_t i = 0; i < secret_size(error); i++) {
                size_t size = strspn(text + i, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

                if (size > 0 && size < sizeof(word)) {
                        memcpy(word, text + i, size);
                        word[size] = 0;
                        if (cyberark_find(word))
                                return cyberark_find(word);
                }
                i += size;
        }
        return NULL;
}

static void read_error(const char *what, const ProviderResult *result, FetchAnswer *ret) {
        const CyberArkMeaning *m = find_code(result->error);
        char how[64];

        if (WIFSIGNALED(result->status))
                snprintf(how, sizeof(how), "signal %d", WTERMSIG(result->status));
        else
                snprintf(how, sizeof(how), "status %d", WEXITSTATUS(result->status));

        if (!m)
                fetch_fail(ret, FETCH_RETRY, HINT_PROGRAM, "%s: the program failed without a known code (%s)", what, how);
        else if (m->class == FETCH_RETRY_ALL)
                fetch_fail(ret, m->class, m->hint, "CyberArk: %s (%s, %s)", m->what, m->code, how);
        else
                fetch_fail(ret, m->class, m->hint, "%s: %s (%s, %s)", what, m->what, m->code, how);
        snprintf(ret->code, sizeof(ret->code), "%s", m ? m->code : "");
}

/* Return: whether it is "true," or "false,"; what is behind it in @*ret_value */
static bool read_changing(const Secret *output, bool *ret, const char **ret_value) {
        static const char *const words[] = {"false,", "true,"};
        const char *text = (const char *) secret_data(output);

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strncasecmp(text, words[i], strlen(words[i])) == 0) {
                        *ret = i == 1;
                        *ret_value = text + strlen(words[i]);
                        return true;
                }

        return false;
}

int provider_read(const FetchAsk *asked, const ProviderResult *result, FetchAnswer *ret) {
        const char *text = (const char *) secret_data(result->output), *value;
        size_t size = secret_size(result->output);
        char what[FETCH_TEXT_MAX];
        bool is_changing;

        *ret = (FetchAnswer) {};
        snprintf(what, sizeof(what), "CyberArk, asked for %.*s in safe %.*s", FETCH_NAME_SHOWN, asked->object, FETCH_NAME_SHOWN, asked->container);
        if (!WIFEXITED(result->status) || WEXITSTATUS(result->status) != 0) {
                read_error(what, result, ret);
                return 0;
        }

        /* One line */
        size -= size > 0 && text[size - 1] == '\n';
        size -= size > 0 && text[size - 1] == '\r';
        if (!read_changing(result->output, &is_changing, &value) || value > text + size || memchr(text, '\n', size)) {
                fetch_fail(ret, FETCH_RETRY, HINT_PROGRAM, "%s: what the program writes is not what a Credential Provider writes", what);
                return 0;
        }

        ret->is_changing = is_changing;
        return fetch_set_value(ret, what, value, (size_t) (text + size - value));
}
