/* SPDX-License-Identifier: Apache-2.0 */

/* midtls encrypt: a secret that only keyd on this host can read. Asks no service; the secret is never an argument. */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "calld/cli/encrypt.h"
#include "calld/cli/output.h"
#include "calld/cli/password.h"
#include "calld/cli/verbs.h"

#define FOLDER "/etc/midtls"
#define CERTIFICATE_MAX (64U * 1024)
#define HINT_MAKE "as root: systemctl start midtls-host-key.service; from another host: copy its host.pem and name the folder with --config-dir"

/* Room for a line end and for one byte too many. */
typedef struct Entry {
        char bytes[ENCRYPT_SECRET_MAX + 3];
        size_t size;
} Entry;

/* Return: 0, or the exit status (the user has been told) */
static int check_file(const char *path, int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return output_error(NULL, "%s: %s", path, strerror(errno));
        if (!S_ISREG(st.st_mode) || st.st_size > CERTIFICATE_MAX)
                return output_error(HINT_MAKE, "%s is not a certificate", path);
        /* Who can replace it reads what is encrypted to it. */
        if (st.st_mode & (S_IWGRP | S_IWOTH))
                return output_error("see that it is this host's certificate, then chmod go-w it",
                                    "%s can be written by its group or by others (mode %04o)", path, st.st_mode & 07777U);
        return 0;
}

/* Return: 0, or the exit status (the user has been told) */
static int read_certificate(const char *path, char ret[static CERTIFICATE_MAX], size_t *ret_size) {
        _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        size_t size = 0;
        ssize_t n;
        int r;

        if (fd < 0)
                return output_error(errno == ENOENT ? HINT_MAKE : "the file is public: get a copy, and name its folder with --config-dir", "%s: %s",
                                    path, strerror(errno));
        r = check_file(path, fd);
        if (r != 0)
                return r;

        while (size < CERTIFICATE_MAX && (n = read(fd, ret + size, CERTIFICATE_MAX - size)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return output_error(NULL, "%s: %s", path, strerror(errno));
                size += (size_t) n;
        }
        *ret_size = size;
        return 0;
}

/* Return: 0 or -errno */
static int read_all(Entry *e) {
        while (e->size < sizeof(e->bytes)) {
                ssize_t n = read(STDIN_FILENO, e->bytes + e->size, sizeof(e->bytes) - e->size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                e->size += (size_t) n;
        }
        return 0;
}

/* Return: 0 or -errno */
static int ask(const char *prompt, Entry *e) {
        ssize_t n;

        _Static_assert(sizeof(e->bytes) >= PASSWORD_MAX, "password_ask() may fill it");
        n = password_ask(prompt, e->bytes);
        e->size = n > 0 ? (size_t) n : 0;
        return n < 0 ? (int) n : 0;
}

/* The line's end, as an editor or echo makes it, is not the secret's. */
static void drop_line_end(Entry *e) {
        if (e->size > 0 && e->bytes[e->size - 1] == '\n') {
                e->size--;
                if (e->size > 0 && e->bytes[e->size - 1] == '\r')
                        e->size--;
        }
}

/* Return: 0, or the exit status (the user has been told) */
static int get_secret(Entry *first, Entry *second) {
        bool terminal = isatty(STDIN_FILENO);
        int r;

        r = terminal ? ask("Secret: ", first) : read_all(first);
        if (r == 0 && terminal)
                r = ask("The same again: ", second);
        if (r < 0)
                return output_error(NULL, "cannot read the secret: %s", strerror(-r));
        if (terminal && (first->size != second->size || memcmp(first->bytes, second->bytes, first->size) != 0))
                return output_error("nothing was encrypted: try again", "the two are not the same");

        drop_line_end(first);
        if (first->size == 0)
                return output_error(NULL, "the secret is empty");
        if (first->size > ENCRYPT_SECRET_MAX)
                return output_error("a whole keystore goes into a systemd credential: KeystorePath=credential:NAME",
                                    "the secret has more than %u bytes", ENCRYPT_SECRET_MAX);
        if (memchr(first->bytes, '\n', first->size))
                return output_error("give one line", "standard input has more than one line");
        return 0;
}

static int print(const Options *o, const char *base64) {
        _cleanup_(json_decrefp) json_t *document = NULL;

        if (o->json == JSON_MODE_OFF) {
                printf("midtls:%s\n", base64);
                return EXIT_GOOD;
        }

        document = json_pack("{s: s+}", "password", "midtls:", base64);
        if (!document)
                return output_error(NULL, "%s", strerror(ENOMEM));
        output_json(o, document);
        return EXIT_GOOD;
}

static int encrypt_and_print(const Options *o, const char *path, const char *pem, size_t size, const Entry *secret) {
        _cleanup_free_ char *base64 = NULL;

        switch (encrypt_to_certificate(pem, size, secret->bytes, secret->size, &base64)) {
        case 0:
                return print(o, base64);
        case ENCRYPT_E_CERTIFICATE:
                return output_error(HINT_MAKE, "%s is not a certificate", path);
        case ENCRYPT_E_KEY:
                return output_error(HINT_MAKE, "the key of %s is not RSA of 2048 bits or more", path);
        default:
                return output_error(NULL, "%s: cannot encrypt to this certificate", path);
        }
}

int verb_encrypt(const Options *o) {
        static char pem[CERTIFICATE_MAX];
        static Entry entries[2];
        _cleanup_free_ char *path = NULL;
        size_t size;
        int r;

        if (asprintf(&path, "%s/host.pem", o->config_dir ? o->config_dir : FOLDER) < 0) {
                path = NULL;
                return output_error(NULL, "%s", strerror(ENOMEM));
        }

        /* Before anybody types. */
        r = read_certificate(path, pem, &size);
        if (r != 0)
                return r;

        /* Best effort: RLIMIT_MEMLOCK may be zero for this user. */
        ignore_result(mlock(entries, sizeof(entries)), "they are wiped in any case");
        r = get_secret(&entries[0], &entries[1]);
        if (r == 0)
                r = encrypt_and_print(o, path, pem, size, &entries[0]);
        explicit_bzero(entries, sizeof(entries));
        return r;
}
