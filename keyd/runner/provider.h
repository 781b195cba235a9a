#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * CyberArk's Credential Provider: clipasswordsdk GetPassword -p AppDescs.AppID=ID -p Query=Safe=S;Folder=F;Object=O -o PasswordChangeInProcess,Password
 *
 * Arguments are a vector, never a shell's line. What the program writes was written by somebody else; no text of it but a known error code is handed
 * on.
 */

#include "keyd/crypto/fetch.h"

#define PROVIDER_ARGUMENTS_MAX 16U

typedef struct ProviderArguments {
        char *items[PROVIDER_ARGUMENTS_MAX]; /* NULL-terminated, owned */
        size_t n_items;
} ProviderArguments;

void provider_arguments_done(ProviderArguments *a);

/* Return: 0; 1 with *ret_failure filled: a name that would end a part of the query; -ENOMEM */
int provider_make_arguments(const FetchOpen *open, const FetchAsk *ask, ProviderArguments *ret, FetchAnswer *ret_failure) _must_check_;

/* What a program left behind */
typedef struct ProviderResult {
        int status;     /* as waitpid(2) gives it */
        Secret *output; /* of standard output */
        Secret *error;  /* of standard error */
} ProviderResult;

/* Return: 0 with *ret filled, or -ENOMEM */
int provider_read(const FetchAsk *asked, const ProviderResult *result, FetchAnswer *ret) _must_check_;
