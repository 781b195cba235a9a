/* SPDX-License-Identifier: Apache-2.0 */

/*
 * load: a closed loop of HTTP callers on one libcurl multi handle, with or without a client key of its own
 *
 *      load --url=URL [--callers=N] [--seconds=S] [--new] [--unix=SOCKET] [--host=ALIAS]
 *           [--cert=F --key=F --ca=F] [--preload]
 *
 * --new: each call makes a new connection without session resumption. --unix: plain HTTP to calld. --preload: certificate, key and CA store are
 * parsed once and given to each connection by the SSL_CTX callback; else libcurl reads the PEM files for each.
 * Prints: calls wall_usec cpu_usec p50_usec p99_usec bytes failed
 */

#include <curl/curl.h>
#include <getopt.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CALLERS_MAX 256
#define SAMPLES_MAX 2000000

typedef struct Options {
        const char *url, *unix_socket, *host, *cert, *key, *ca;
        unsigned callers;
        double seconds;
        bool fresh, preload;
} Options;

typedef struct Preloaded {
        X509 *leaf;
        STACK_OF(X509) *chain;
        EVP_PKEY *key;
        X509_STORE *store;
} Preloaded;

typedef struct Load {
        const Options *o;
        Preloaded preloaded;
        CURLM *multi;
        struct curl_slist *headers;
        uint32_t *samples;
        size_t n_samples;
        uint64_t n_bytes, n_failed, deadline;
        unsigned n_active;
        uint64_t started[CALLERS_MAX];
} Load;

static uint64_t now_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static uint64_t cpu_usec(void) {
        struct rusage u;

        (void) getrusage(RUSAGE_SELF, &u);
        return (uint64_t) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + (uint64_t) (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static bool preload_chain(Preloaded *p, const char *path) {
        FILE *f = fopen(path, "re");
        X509 *x;

        if (!f)
                return false;
        p->leaf = PEM_read_X509(f, NULL, NULL, NULL);
        p->chain = sk_X509_new_null();
        while (p->chain && (x = PEM_read_X509(f, NULL, NULL, NULL)))
                sk_X509_push(p->chain, x);
        ERR_clear_error();
        (void) fclose(f);
        return p->leaf && p->chain;
}

static bool preload(Preloaded *p, const Options *o) {
        FILE *f = fopen(o->key, "re");

        if (!f)
                return false;
        p->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        (void) fclose(f);
        p->store = X509_STORE_new();

        return p->key && p->store && preload_chain(p, o->cert) && X509_STORE_load_file(p->store, o->ca) == 1;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *userdata) {
        const Preloaded *p = userdata;
        SSL_CTX *ctx = ssl_ctx;

        (void) easy;
        SSL_CTX_set1_cert_store(ctx, p->store);
        SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
        return SSL_CTX_use_certificate(ctx, p->leaf) == 1 && SSL_CTX_set1_chain(ctx, p->chain) == 1 && SSL_CTX_use_PrivateKey(ctx, p->key) == 1
                       ? CURLE_OK
                       : CURLE_SSL_CERTPROBLEM;
}

static size_t on_write(char *data, size_t size, size_t n, void *userdata) {
        Load *l = userdata;

        (void) data;
        l->n_bytes += size * n;
        return size * n;
}

static void set_tls(CURL *e, Load *l) {
        const Options *o = l->o;

        if (!o->cert)
                return;
        if (o->preload) {
                curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
                curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
                curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, &l->preloaded);
        } else {
                curl_easy_setopt(e, CURLOPT_SSLCERT, o->cert);
                curl_easy_setopt(e, CURLOPT_SSLKEY, o->key);
                curl_easy_setopt(e, CURLOPT_CAINFO, o->ca);
        }
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
        if (o->fresh)
                curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

static CURL *make_easy(Load *l, size_t caller) {
        CURL *e = curl_easy_init();

        if (!e)
                return NULL;
        curl_easy_setopt(e, CURLOPT_URL, l->o->url);
        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(e, CURLOPT_TIMEOUT, 30L);
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
        curl_easy_setopt(e, CURLOPT_WRITEDATA, l);
        curl_easy_setopt(e, CURLOPT_PRIVATE, (void *) caller);
        curl_easy_setopt(e, CURLOPT_PROXY, "");
        curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 65536L);
        if (l->headers)
                curl_easy_setopt(e, CURLOPT_HTTPHEADER, l->headers);
        if (l->o->unix_socket)
                curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, l->o->unix_socket);
        else if (l->o->fresh)
                curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L), curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
        set_tls(e, l);
        return e;
}

static void finish(Load *l, CURL *e, CURLcode result) {
        char *private = NULL;
        long status = 0;
        size_t caller;

        curl_easy_getinfo(e, CURLINFO_PRIVATE, &private);
        curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
        caller = (size_t) private;
        curl_multi_remove_handle(l->multi, e);

        if (result != CURLE_OK || status != 200) {
                if (l->n_failed++ == 0)
                        fprintf(stderr, "load: %s, status %ld\n", curl_easy_strerror(result), status);
        } else if (l->n_samples < SAMPLES_MAX)
                l->samples[l->n_samples++] = (uint32_t) (now_usec() - l->started[caller]);

        if (now_usec() < l->deadline && l->n_failed < 100) {
                l->started[caller] = now_usec();
                curl_multi_add_handle(l->multi, e);
        } else {
                curl_easy_cleanup(e);
                l->n_active--;
        }
}

static bool run(Load *l) {
        int running, left;
        CURLMsg *m;

        for (size_t i = 0; i < l->o->callers; i++) {
                CURL *e = make_easy(l, i);

                if (!e)
                        return false;
                l->started[i] = now_usec();
                curl_multi_add_handle(l->multi, e);
                l->n_active++;
        }

        while (l->n_active > 0) {
                curl_multi_perform(l->multi, &running);
                while ((m = curl_multi_info_read(l->multi, &left)))
                        if (m->msg == CURLMSG_DONE)
                                finish(l, m->easy_handle, m->data.result);
                if (l->n_active > 0)
                        curl_multi_poll(l->multi, NULL, 0, 1000, NULL);
                if (now_usec() > l->deadline + 40000000)
                        return false;
        }
        return true;
}

static int compare(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

        return x < y ? -1 : x > y;
}

static bool parse(int argc, char **argv, Options *o) {
        static const struct option table[] = {
                {"url", required_argument, NULL, 'u'},
                {"callers", required_argument, NULL, 'n'},
                {"seconds", required_argument, NULL, 's'},
                {"new", no_argument, NULL, 'f'},
                {"unix", required_argument, NULL, 'x'},
                {"host", required_argument, NULL, 'h'},
                {"cert", required_argument, NULL, 'c'},
                {"key", required_argument, NULL, 'k'},
                {"ca", required_argument, NULL, 'a'},
                {"preload", no_argument, NULL, 'p'},
                {},
        };
        int c;

        *o = (Options) {.callers = 1, .seconds = 1};
        while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
                switch (c) {
                case 'u':
                        o->url = optarg;
                        break;
                case 'n':
                        o->callers = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                case 's':
                        o->seconds = strtod(optarg, NULL);
                        break;
                case 'f':
                        o->fresh = true;
                        break;
                case 'x':
                        o->unix_socket = optarg;
                        break;
                case 'h':
                        o->host = optarg;
                        break;
                case 'c':
                        o->cert = optarg;
                        break;
                case 'k':
                        o->key = optarg;
                        break;
                case 'a':
                        o->ca = optarg;
                        break;
                case 'p':
                        o->preload = true;
                        break;
                default:
                        return false;
                }

        return o->url && o->callers > 0 && o->callers <= CALLERS_MAX && o->seconds > 0 && (!o->cert == !o->key) && (!o->cert == !o->ca);
}

int main(int argc, char **argv) {
        static Load l;
        Options o;
        char host[128];
        uint64_t wall, cpu;

        if (!parse(argc, argv, &o)) {
                fprintf(stderr, "usage: see the head of load.c\n");
                return 2;
        }
        l.o = &o;
        l.samples = malloc(SAMPLES_MAX * sizeof(*l.samples));
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(l.multi = curl_multi_init()) || !l.samples || (o.preload && !preload(&l.preloaded, &o)))
                return 1;
        curl_multi_setopt(l.multi, CURLMOPT_MAXCONNECTS, (long) CALLERS_MAX);
        if (o.host) {
                snprintf(host, sizeof(host), "Host: %s", o.host);
                l.headers = curl_slist_append(NULL, host);
        }

        wall = now_usec();
        cpu = cpu_usec();
        l.deadline = wall + (uint64_t) (o.seconds * 1e6);
        if (!run(&l) || l.n_samples == 0)
                return 1;
        wall = now_usec() - wall;
        cpu = cpu_usec() - cpu;
        qsort(l.samples, l.n_samples, sizeof(*l.samples), compare);

        printf("%zu %llu %llu %u %u %llu %llu\n", l.n_samples, (unsigned long long) wall, (unsigned long long) cpu, l.samples[l.n_samples / 2],
               l.samples[l.n_samples * 99 / 100], (unsigned long long) l.n_bytes, (unsigned long long) l.n_failed);
        return l.n_failed > 0;
}
