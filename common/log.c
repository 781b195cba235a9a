/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The only writable state is who we are, where records go, and how many were lost: two small daemons need no more.
 */

#include "common/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log-internal.h"

#define MESSAGE_SIZE_MAX 4096U
#define WRITE_TIMEOUT_MS 50

static const char *log_identifier = "midtls";
static LogTarget log_target = LOG_TARGET_CONSOLE;
static int log_journal_fd = -1;
static const char *log_journal_path = LOG_JOURNAL_PATH;
static int log_max_priority = PRIORITY_INFO;
static atomic_uint n_lost;

typedef struct EventRow {
        const char *name;
        const char *message_id; /* sd-id128 of the catalog; never changes */
} EventRow;

static const EventRow events[_EVENT_MAX] = {
        [EVENT_KEY_LOADED] = {"key-loaded", "6d1d6f5b3f1f4f6b9a4c61ad2f7be101"},
        [EVENT_KEY_LOAD_FAILED] = {"key-load-failed", "6d1d6f5b3f1f4f6b9a4c61ad2f7be102"},
        [EVENT_KEY_EXPIRING] = {"key-expiring", "6d1d6f5b3f1f4f6b9a4c61ad2f7be103"},
        [EVENT_KEY_REMOVED] = {"key-removed", "6d1d6f5b3f1f4f6b9a4c61ad2f7be104"},
        [EVENT_SIGNATURE] = {"signature", "6d1d6f5b3f1f4f6b9a4c61ad2f7be105"},
        [EVENT_SIGNATURE_REFUSED] = {"signature-refused", "6d1d6f5b3f1f4f6b9a4c61ad2f7be106"},
        [EVENT_CALL] = {"call", "6d1d6f5b3f1f4f6b9a4c61ad2f7be107"},
        [EVENT_CALLER_DENIED] = {"caller-denied", "6d1d6f5b3f1f4f6b9a4c61ad2f7be108"},
        [EVENT_CONFIG_LOADED] = {"config-loaded", "6d1d6f5b3f1f4f6b9a4c61ad2f7be109"},
        [EVENT_CONFIG_ERROR] = {"config-error", "6d1d6f5b3f1f4f6b9a4c61ad2f7be10a"},
        [EVENT_SANDBOX] = {"sandbox", "6d1d6f5b3f1f4f6b9a4c61ad2f7be10b"},
};

const char *log_event_to_string(LogEvent e) {
        return e < _EVENT_MAX && events[e].name ? events[e].name : "";
}

LogTarget log_target_from_string(const char *s) {
        static const char *const names[] = {"auto", "journal", "console", "json"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(s, names[i]) == 0)
                        return (LogTarget) i;

        return _LOG_TARGET_INVALID;
}

/* systemd says in $JOURNAL_STREAM which device and inode the journal's stream has, see systemd.exec(5). */
static bool stderr_is_journal(void) {
        const char *stream = secure_getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2 || fstat(STDERR_FILENO, &st) < 0)
                return false;

        return st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *identifier, LogTarget target) {
        log_identifier = identifier;
        log_target = target == LOG_TARGET_AUTO ? (stderr_is_journal() ? LOG_TARGET_JOURNAL : LOG_TARGET_CONSOLE) : target;
}

bool log_is_journal(void) {
        return log_target == LOG_TARGET_JOURNAL;
}

void log_set_journal(int fd, const char *path) {
        log_journal_fd = fd;
        log_journal_path = path;
}

int log_journal(void) {
        return log_journal_fd;
}

void log_set_max_priority(int priority) {
        log_max_priority = priority;
}

void log_record_init(LogRecord *r, int priority, LogEvent event) {
        r->priority = priority;
        r->event = event;
        r->n_fields = 0;
        r->n_text = 0;

        if (event == EVENT_NONE)
                return;
        log_record_add(r, "MESSAGE_ID", "%s", events[event].message_id);
        log_record_add(r, "MIDTLS_EVENT", "%s", events[event].name);
}

void log_record_add(LogRecord *r, const char *name, const char *format, ...) {
        size_t room = sizeof(r->text) - r->n_text;
        char *value = r->text + r->n_text;
        va_list ap;
        int n;

        if (r->n_fields >= LOG_FIELDS_MAX) {
                n_lost++;
                return;
        }

        va_start(ap, format);
        n = vsnprintf(value, room, format, ap);
        va_end(ap);
        if (n >= 0 && (size_t) n < room)
                r->n_text += (size_t) n + 1;
        else {
                va_start(ap, format);
                n = vasprintf(&value, format, ap);
                va_end(ap);
        }
        if (n < 0) {
                n_lost++;
                return;
        }

        r->fields[r->n_fields++] = (LogField) {.name = name, .value = value};
}

/* The record in one write, or not at all: a reader that is stuck cannot stop us. */
static void write_line(const Buf *line) {
        struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
        size_t done = 0;

        while (done < line->size) {
                ssize_t n;

                if (poll(&p, 1, WRITE_TIMEOUT_MS) <= 0) {
                        n_lost++;
                        return;
                }
                n = write(STDERR_FILENO, line->data + done, line->size - done);
                if (n < 0 && errno != EINTR && errno != EAGAIN) {
                        n_lost++;
                        return;
                }
                done += n > 0 ? (size_t) n : 0;
        }
}

static void send_stderr(const LogRecord *r, const char *message) {
        _cleanup_(buf_done) Buf line = BUF_INIT(LOG_LINE_MAX);
        int k;

        k = log_target == LOG_TARGET_JSON ? log_format_json(r, log_identifier, message, &line) : log_format_console(r, message, &line);
        if (k < 0)
                n_lost++;
        else
                write_line(&line);
}

/* What the journal cannot take now is lost and counted: a call is worth more than its record's place in a full queue. */
static void send_journal(const LogRecord *r, const char *message) {
        _cleanup_(buf_done) Buf record = BUF_INIT(LOG_LINE_MAX);
        int k;

        k = log_journal_fd < 0 ? -ENOTCONN : log_format_journal(r, log_identifier, message, &record);
        if (k == 0)
                k = log_journal_send(log_journal_fd, log_journal_path, buf_span(&record));

        if (k == -EAGAIN || k == -ENOBUFS || k == -ENOMEM || k == -EMSGSIZE)
                n_lost++;
        else if (k < 0)
                send_stderr(r, message);
}

void log_record_done(LogRecord *r) {
        for (size_t i = 0; i < r->n_fields; i++) {
                char *value = r->fields[i].value;

                if (value < r->text || value >= r->text + sizeof(r->text))
                        free(value);
        }
        r->n_fields = 0;
        r->n_text = 0;
}

static void send_record(LogRecord *r, const char *message) {
        if (r->priority <= log_max_priority) {
                unsigned lost = atomic_exchange(&n_lost, 0);

                if (lost > 0 && r->n_fields < LOG_FIELDS_MAX)
                        log_record_add(r, "MIDTLS_RECORDS_LOST", "%u", lost);
                else
                        n_lost += lost; /* no room in this one: the next says it */
                if (log_target == LOG_TARGET_JOURNAL)
                        send_journal(r, message);
                else
                        send_stderr(r, message);
        }

        log_record_done(r);
}

void log_record_send(LogRecord *r, const char *format, ...) {
        char message[MESSAGE_SIZE_MAX];
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);

        send_record(r, message);
}

void log_message(int priority, const char *format, ...) {
        char message[MESSAGE_SIZE_MAX];
        LogRecord r;
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);

        log_record_init(&r, priority, EVENT_NONE);
        send_record(&r, message);
}

int log_errno(int error, const char *format, ...) {
        char message[MESSAGE_SIZE_MAX];
        LogRecord r;
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);

        log_record_init(&r, PRIORITY_ERROR, EVENT_NONE);
        log_record_add(&r, "ERRNO", "%d", -error);
        log_record_send(&r, "%s: %s", message, strerrordesc_np(-error) ? strerrordesc_np(-error) : "unknown error");
        return error;
}
