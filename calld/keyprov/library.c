/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/keyprov/library.h"

#include <openssl/err.h>

#include "common/algorithms.h"

struct Library {
        Algorithms *algorithms;
        OSSL_PROVIDER *ours;
};

int library_new(Library **ret) {
        _cleanup_(library_freep) Library *l = NULL;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        r = algorithms_new(&l->algorithms);
        if (r == 0)
                r = provider_load(algorithms_context(l->algorithms), &l->ours);
        ERR_clear_error();
        if (r < 0)
                return r;

        *ret = TAKE_PTR(l);
        return 0;
}

Library *library_free(Library *l) {
        if (!l)
                return NULL;

        if (l->ours)
                OSSL_PROVIDER_unload(l->ours);
        algorithms_free(l->algorithms);
        free(l);
        return NULL;
}

void library_enter(const Library *l) {
        algorithms_enter(l ? l->algorithms : NULL);
}
