#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Between log.c, log-format.c and log-journal.c: how a record looks on standard error and in the journal */

#include "common/buf.h"
#include "common/log.h"

#define LOG_LINE_MAX (64U * 1024)

/* One JSON object and a newline; always valid JSON and UTF-8, whatever the values hold. */
int log_format_json(const LogRecord *r, const char *identifier, const char *message, Buf *ret) _must_check_;

/* "<6>message [FIELD=value ...]" and a newline; control characters escaped. */
int log_format_console(const LogRecord *r, const char *message, Buf *ret) _must_check_;

/* One datagram of the journal's native protocol. */
int log_format_journal(const LogRecord *r, const char *identifier, const char *message, Buf *ret) _must_check_;

/* Never waits. Return: 0, -EAGAIN when the journal does not read, other -errno when it is not there */
int log_journal_send(int fd, const char *path, Span record) _must_check_;
