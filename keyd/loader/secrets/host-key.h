#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * This host's own key, to which passwords of the form midtls:BASE64 are encrypted
 *
 * host.key is private and the service's alone, host.pem is its self-signed certificate and public. Whoever sees host.pem can encrypt to
 * this host; only keyd can read what was encrypted. The key signs nothing and is no identity towards anybody.
 */

#include "keyd/crypto/ossl.h"
#include "keyd/loader/load.h"

#define HOST_KEY_FILE "host.key"
#define HOST_CERTIFICATE_FILE "host.pem"
#define HOST_KEY_CREDENTIAL "midtls-host-key" /* in $CREDENTIALS_DIRECTORY: then host.key is not looked at */
#define HOST_KEY_FOLDER "/etc/midtls"

typedef struct HostKey {
        EVP_PKEY *key;
        X509 *certificate; /* of that key */
} HostKey;

void host_key_done(HostKey *k);

/*
 * Reads key and certificate. @folder: the configuration's first folder; NULL: HOST_KEY_FOLDER.
 *
 * Return: 0; 1 with *ret_failure filled (VERDICT_IO, _POLICY, _FORMAT, _MISMATCH, _UNSUPPORTED, _LIMIT); -errno
 */
int host_key_read(const char *folder, HostKey *ret, LoadFailure *ret_failure) _must_check_;

/* A PEM file with one private key of RSA and nothing that is encrypted. Return: as host_key_read */
int host_key_read_private(const char *path, EVP_PKEY **ret, LoadFailure *ret_failure) _must_check_;
