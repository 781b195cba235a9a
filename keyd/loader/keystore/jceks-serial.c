/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/jceks-serial.h"

#include <string.h>

#define MAX_NAME 128U /* "PBEWithMD5AndTripleDES" has 22 */

#define TC_REFERENCE 0x71
#define TC_STRING 0x74

/*
 * Java Object Serialization Specification, 6.4.2: the stream's head, the object's class with its superclass and four fields, and the
 * class of the first array. Handles count from 7E0000 in the order of appearance: 2 is "[B", 3 "Ljava/lang/String;", 5 the class of byte[].
 */
static const char sealed_object_head[] = "\xac\xed\x00\x05"
                                         "sr\x00\x33"
                                         "com.sun.crypto.provider.SealedObjectForKeyProtector"
                                         "\xcd\x57\xca\x59\xe7\x30\xbb\x53"
                                         "\x02\x00\x00"
                                         "x"
                                         "r\x00\x19"
                                         "javax.crypto.SealedObject"
                                         "\x3e\x36\x3d\xa6\xc3\xb7\x54\x70"
                                         "\x02\x00\x04"
                                         "[\x00\x0d"
                                         "encodedParams"
                                         "t\x00\x02"
                                         "[B"
                                         "[\x00\x10"
                                         "encryptedContent"
                                         "q\x00\x7e\x00\x02"
                                         "L\x00\x09"
                                         "paramsAlg"
                                         "t\x00\x12"
                                         "Ljava/lang/String;"
                                         "L\x00\x07"
                                         "sealAlg"
                                         "q\x00\x7e\x00\x03"
                                         "xp"
                                         "ur\x00\x02"
                                         "[B"
                                         "\xac\xf3\x17\xf8\x06\x08\x54\xe0"
                                         "\x02\x00\x00"
                                         "xp";

/* before encryptedContent: another array of class 5 */
static const char second_array_head[] = "uq\x00\x7e\x00\x05";

/* sealAlg may be the same String as paramsAlg, which is object 8 */
static const char first_name_reference[] = "\x00\x7e\x00\x08";

static bool get_literal(JavaReader *r, const char *literal, size_t size) {
        JavaBytes b = java_get_fixed(r, size);

        return b.size == size && memcmp(b.data, literal, size) == 0;
}

static bool get_name(JavaReader *r) {
        return java_get_utf(r).size <= MAX_NAME;
}

static bool get_second_name(JavaReader *r) {
        switch (java_get_u8(r)) {
        case TC_STRING:
                return get_name(r);
        case TC_REFERENCE:
                return get_literal(r, first_name_reference, sizeof(first_name_reference) - 1);
        default:
                return false;
        }
}

static bool get_sealed_object(JavaReader *r) {
        if (!get_literal(r, sealed_object_head, sizeof(sealed_object_head) - 1))
                return false;
        java_get_block(r); /* encodedParams */

        if (!get_literal(r, second_array_head, sizeof(second_array_head) - 1))
                return false;
        java_get_block(r); /* encryptedContent */

        return java_get_u8(r) == TC_STRING && get_name(r) && get_second_name(r);
}

int jceks_serial_skip(JavaReader *r) {
        bool known = get_sealed_object(r);

        return r->failed ? JCEKS_SERIAL_E_CUT : known ? 0 : JCEKS_SERIAL_E_UNKNOWN;
}
