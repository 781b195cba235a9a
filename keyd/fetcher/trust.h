#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The certificates that a vault's own is traced to, out of memory
 *
 * CURLOPT_CAINFO_BLOB is that, too, but since libcurl 7.77 only: RHEL 9 has 7.76.
 */

#include <curl/curl.h>

#include "common/buf.h"

/* Trusts the certificates of @pem, and no others. Before: @pem outlives @curl. */
CURLcode trust_set(CURL *curl, const Buf *pem) _must_check_;
