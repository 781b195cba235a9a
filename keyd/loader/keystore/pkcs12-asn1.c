/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/pkcs12-asn1.h"

/* clang-format off */
ASN1_SEQUENCE(MacData) = {
        ASN1_SIMPLE(MacData, digest, X509_SIG),
        ASN1_SIMPLE(MacData, salt, ASN1_OCTET_STRING),
        ASN1_OPT(MacData, iterations, ASN1_INTEGER),
} ASN1_SEQUENCE_END(MacData)

ASN1_SEQUENCE(Pfx) = {
        ASN1_SIMPLE(Pfx, version, ASN1_INTEGER),
        ASN1_SIMPLE(Pfx, authsafe, PKCS7),
        ASN1_OPT(Pfx, mac, MacData),
} ASN1_SEQUENCE_END(Pfx)

ASN1_SEQUENCE(SafeBag) = {
        ASN1_SIMPLE(SafeBag, id, ASN1_OBJECT),
        ASN1_EXP(SafeBag, value, ASN1_ANY, 0),
        ASN1_SET_OF_OPT(SafeBag, attributes, X509_ATTRIBUTE),
} ASN1_SEQUENCE_END(SafeBag)

ASN1_SEQUENCE(CertBag) = {
        ASN1_SIMPLE(CertBag, id, ASN1_OBJECT),
        ASN1_EXP(CertBag, value, ASN1_ANY, 0),
} ASN1_SEQUENCE_END(CertBag)

ASN1_ITEM_TEMPLATE(SafeContents) =
        ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, SafeContents, SafeBag)
ASN1_ITEM_TEMPLATE_END(SafeContents)
        /* clang-format on */

        IMPLEMENT_ASN1_FUNCTIONS(MacData) IMPLEMENT_ASN1_FUNCTIONS(Pfx) IMPLEMENT_ASN1_FUNCTIONS(SafeBag) IMPLEMENT_ASN1_FUNCTIONS(CertBag)
