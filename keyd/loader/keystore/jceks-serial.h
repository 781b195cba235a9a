#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Passing over a secret key of a JCEKS store
 *
 * Such an entry is a Java serialisation stream without a length. This is no deserialiser: the one object that Java writes there, a
 * com.sun.crypto.provider.SealedObjectForKeyProtector, is the same bytes every time but for two arrays and two names, and is compared.
 */

#include "keyd/loader/keystore/java-reader.h"

enum {
        _JCEKS_SERIAL_E_SUCCESS,
        JCEKS_SERIAL_E_CUT,     /* the reader has failed */
        JCEKS_SERIAL_E_UNKNOWN, /* something else, whose end cannot be known */
};

/* Moves @r behind the stream. Return: 0 or JCEKS_SERIAL_E_* */
int jceks_serial_skip(JavaReader *r) _must_check_;
