#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The journal's export format (systemd: docs/JOURNAL_EXPORT_FORMATS.md) */

#include <jansson.h>

#include "common/def.h"

/*
 * One record. @line and @allocated are getline()'s. A field that is no text is left out.
 *
 * Return: 0 with *ret to be freed, RECORD_E_END, RECORD_E_INVALID
 */
int record_export_read(FILE *f, char **line, size_t *allocated, json_t **ret) _must_check_;
