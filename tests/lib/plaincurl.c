/* SPDX-License-Identifier: Apache-2.0 */

/*
 * plaincurl CERT KEY CA URL: a client that holds its key itself
 *
 * Makes a call over mutual TLS, prints "Status N" and waits for the end of standard input, so that its memory can be looked at.
 */

#include <curl/curl.h>
#include <stdio.h>
#include <unistd.h>

static size_t drop(char *data, size_t size, size_t n, void *userdata) {
        (void) data;
        (void) userdata;
        return size * n;
}

static CURLcode make_call(CURL *curl, char **argv) {
        long status = 0;
        CURLcode r;

        curl_easy_setopt(curl, CURLOPT_SSLCERT, argv[1]);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, argv[2]);
        curl_easy_setopt(curl, CURLOPT_CAINFO, argv[3]);
        curl_easy_setopt(curl, CURLOPT_URL, argv[4]);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);

        r = curl_easy_perform(curl);
        if (r != CURLE_OK) {
                fprintf(stderr, "plaincurl: %s\n", curl_easy_strerror(r));
                return r;
        }

        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        printf("Status %ld\n", status);
        return fflush(stdout) == 0 ? CURLE_OK : CURLE_WRITE_ERROR;
}

int main(int argc, char **argv) {
        char c;

        if (argc != 5) {
                fprintf(stderr, "usage: plaincurl CERT KEY CA URL\n");
                return 2;
        }

        CURL *curl = curl_easy_init();
        if (!curl || make_call(curl, argv) != CURLE_OK)
                return 1;

        while (read(STDIN_FILENO, &c, 1) > 0)
                ;

        curl_easy_cleanup(curl);
        return 0;
}
