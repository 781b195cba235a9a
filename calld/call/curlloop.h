#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A curl multi handle on sd-event
 *
 * Each transfer's end is told to the function given at the start, from the loop, with the easy handle already removed.
 */

#include <curl/curl.h>
#include <systemd/sd-event.h>

#include "calld/call/turn.h"

/* Kept connections of one identity; libcurl closes the oldest beyond that. */
#define CURLLOOP_CONNECTIONS_MAX 64U

typedef struct CurlLoop CurlLoop;

typedef struct CurlLoopOps {
        void (*on_done)(CURL *easy, CURLcode result);

        /* Whether a socket that @easy wants to write to is its own, to be connected, and not one of a kept connection. */
        bool (*is_connecting)(CURL *easy);

        /* Such a socket is connected. Return: false to let libcurl know of it only after curlloop_go_on() */
        bool (*may_go_on)(CURL *easy);
} CurlLoopOps;

/* @ops outlives it. Return: 0 or -errno */
int curlloop_new(sd_event *loop, Turn *turn, const CurlLoopOps *ops, CurlLoop **ret) _must_check_;

/* Closes all connections; may be called from on_done(). No easy handle is left in it. */
CurlLoop *curlloop_free(CurlLoop *c);
DEFINE_CLEANUP(CurlLoop *, curlloop_free)

/* The transfer begins from the loop, not before. Return: 0 or -ENOMEM */
int curlloop_add(CurlLoop *c, CURL *easy) _must_check_;

/* Ends a transfer; not while curlloop_is_busy(). */
void curlloop_remove(CurlLoop *c, CURL *easy);

/* Its sockets were held back. Safe while curlloop_is_busy(). */
void curlloop_go_on(CurlLoop *c, CURL *easy);

/* True while libcurl is running: it must not be called then. */
bool curlloop_is_busy(const CurlLoop *c);

/* Pauses nothing but what @mask names (CURLPAUSE_*) and goes on with the rest. Return: what libcurl says */
CURLcode curlloop_pause(CurlLoop *c, CURL *easy, int mask);
