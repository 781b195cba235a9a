#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Requests to calld
 *
 * What goes wrong is told to the user here, once; the functions return the exit status.
 */

#include "calld/cli/http.h"
#include "calld/cli/output.h"

/* A body that is sent. */
typedef struct Upload {
        bool given;
        const void *data; /* sent first */
        size_t size;
        int fd;       /* then what can be read here; -1: nothing */
        bool chunked; /* else @length is the Content-Length */
        uint64_t length;
} Upload;

typedef struct ClientRequest {
        const char *method;
        const char *target;    /* path and query, or the absolute form */
        const char *authority; /* Host */
        const char *const *headers;
        size_t n_headers;
        Upload upload;
        uint64_t idle_usec; /* the longest wait for anything */
} ClientRequest;

/* Sends @request and reads the head of the answer. Return: 0, or the exit status (the user has been told) */
int client_request(const Options *o, const ClientRequest *request, Http *ret_http, HttpHead *ret_head) _must_check_;

/* Tells what an outcome or -errno of http.h means. Return: EXIT_FAILED */
int client_error(int r);

/* Whether midtls made this answer itself, and not the far server. */
bool client_is_problem(const HttpHead *head);

/* Reads the body of such an answer and shows it. Return: EXIT_FAILED */
int client_show_problem(const Options *o, Http *http);

/* @method @path of the reserved authority "midtls". Return: 0, or the exit status (the user has been told) */
int client_get_json(const Options *o, const char *method, const char *path, json_t **ret) _must_check_;
