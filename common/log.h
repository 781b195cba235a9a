#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The log: structured records to the journal, the console or JSON lines
 *
 * A record is a message, a priority and fields. Where it goes is chosen once, at start (--log=). Logging never blocks a
 * call for longer than one non-blocking send; what could not be written is counted and said with the next record.
 * Values are untrusted text: control characters are escaped on the console, JSON is always valid.
 */

#include "common/def.h"

typedef enum LogTarget {
        LOG_TARGET_AUTO, /* the journal when standard error is connected to it, else the console */
        LOG_TARGET_JOURNAL,
        LOG_TARGET_CONSOLE,
        LOG_TARGET_JSON,
        _LOG_TARGET_INVALID = -EINVAL,
} LogTarget;

/* syslog priorities, as in <systemd/sd-daemon.h> */
enum {
        PRIORITY_ALERT = 1,
        PRIORITY_ERROR = 3,
        PRIORITY_WARNING = 4,
        PRIORITY_NOTICE = 5,
        PRIORITY_INFO = 6,
        PRIORITY_DEBUG = 7,
};

typedef struct LogField {
        const char *name; /* "MIDTLS_PROFILE", upper case, digits, '_' */
        char *value;      /* in the record's text, or owned by it */
} LogField;

/* Events of the contract; each has a fixed MESSAGE_ID and MIDTLS_EVENT. */
typedef enum LogEvent {
        EVENT_NONE,
        EVENT_KEY_LOADED,
        EVENT_KEY_LOAD_FAILED,
        EVENT_KEY_EXPIRING,
        EVENT_KEY_REMOVED,
        EVENT_SIGNATURE,
        EVENT_SIGNATURE_REFUSED,
        EVENT_CALL,
        EVENT_CALLER_DENIED,
        EVENT_CONFIG_LOADED,
        EVENT_CONFIG_ERROR,
        EVENT_SANDBOX,
        _EVENT_MAX,
} LogEvent;

#define LOG_FIELDS_MAX 40U
#define LOG_TEXT_SIZE 2048U

typedef struct LogRecord {
        int priority;
        LogEvent event;
        LogField fields[LOG_FIELDS_MAX];
        size_t n_fields;
        char text[LOG_TEXT_SIZE]; /* of the values; what does not fit is allocated */
        size_t n_text;
} LogRecord;

LogTarget log_target_from_string(const char *s);

/* Before: nothing was logged. @identifier ("keyd", "calld") outlives the process's last record. */
void log_open(const char *identifier, LogTarget target);

/* Whether records are meant for the journal. */
bool log_is_journal(void);

#define LOG_JOURNAL_PATH "/run/systemd/journal/socket"

/*
 * The datagram socket by which records go to the journal at @path (static). It stays the caller's, for as long as there are records. Until then, and when
 * the journal cannot be reached, what was meant for it goes to standard error; when it does not read, records are counted as lost.
 */
void log_set_journal(int fd, const char *path);

/* Return: that socket, or -1; cannot fail */
int log_journal(void);

/* A socket for log_set_journal(), CLOEXEC, at @fd_min or above. log-journal-open.c. Return: the descriptor or -errno */
int log_open_journal(int fd_min) _must_check_;

/* Default: info. */
void log_set_max_priority(int priority);

/* A record without fields. */
void log_message(int priority, const char *format, ...) _printf_(2, 3);

/* @r is a negative errno; ": text" is appended. Returns @r, so that `return log_errno(r, ...)` reads well. */
int log_errno(int r, const char *format, ...) _printf_(2, 3);

/*
 * Builds a record:
 *
 *      LogRecord rec;
 *      log_record_init(&rec, PRIORITY_INFO, EVENT_SIGNATURE);
 *      log_record_add(&rec, "MIDTLS_PROFILE", "%s", name);
 *      log_record_send(&rec, "signed for %s", host);       (frees the fields)
 *
 * A field beyond LOG_FIELDS_MAX or without memory is left out and counted as lost.
 */
void log_record_init(LogRecord *r, int priority, LogEvent event);
void log_record_add(LogRecord *r, const char *name, const char *format, ...) _printf_(3, 4);
void log_record_send(LogRecord *r, const char *format, ...) _printf_(2, 3);

/* Frees the fields of a record that is not sent. */
void log_record_done(LogRecord *r);

const char *log_event_to_string(LogEvent e);
