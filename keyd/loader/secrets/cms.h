#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was encrypted to this host's key: EnvelopedData (RFC 5652, section 6) and AuthEnvelopedData (RFC 5083), in DER
 *
 * The outline is checked before OpenSSL's CMS code sees a byte: an allow-list of ciphers, and parameters of their right size.
 */

#include "keyd/loader/keystore/ber.h"
#include "keyd/loader/secrets/host-key.h"

/* Whether @der may be handed to cms_decrypt(). Return: 0; 1 with *ret_failure filled (VERDICT_FORMAT, _UNSUPPORTED, _LIMIT) */
int cms_check(BerBytes der, LoadFailure *ret_failure) _must_check_;

/*
 * Before: cms_check() said 0. @max: bytes of content, at most.
 *
 * Return: 0; 1 with *ret_failure filled (VERDICT_FORMAT, _MISMATCH, _AUTH, _LIMIT); -errno
 */
int cms_decrypt(BerBytes der, const HostKey *host, size_t max, Secret **ret, LoadFailure *ret_failure) _must_check_;
