#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* A role's executable under test: we are its supervisor and its neighbours */

#include <sys/types.h>

#include "common/buf.h"

/* No wait in a test is longer. */
#define TEST_USEC (20 * USEC_PER_SEC)

typedef struct RoleProcess {
        pid_t pid;
        int control; /* our ends */
        int verdicts;
        int keys;
        int log;    /* its standard error: a pipe */
        Buf logged; /* what was read of it */
        char ready[1025];
} RoleProcess;

/* Whether the filter can be on: sanitizers need calls that no role does. */
bool role_can_be_confined(void);

/* Starts @path and waits for its READY. */
void role_start(RoleProcess *p, const char *path, bool confined);

/* Closes the control channel and waits. Return: as waitpid() says; the caller asserts */
int role_stop(RoleProcess *p);

/* Waits for an end that we did not ask for. */
int role_wait(RoleProcess *p);

/* Waits until the log holds @text @n times. Return: false when the time is over */
bool role_log_has(RoleProcess *p, const char *text, size_t n);

/* Forgets what was logged. */
void role_log_clear(RoleProcess *p);

/* One record, or nothing before the deadline: asserted. */
void peer_send(int fd, Span record);
void peer_receive(int fd, Buf *ret);

/* Sends a record with @n copies of @passed, which stays the caller's. */
void peer_send_fds(int fd, Span record, int passed, size_t n);

/* Whether the peer has closed, after whatever lay there. */
bool peer_is_closed(int fd);
