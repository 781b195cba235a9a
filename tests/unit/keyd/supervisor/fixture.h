#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* A supervisor in a process of its own, with toy roles; what the test sees of it: its two sockets and what its loaders were told */

#include <limits.h>
#include <sys/types.h>

#include "common/msg-admin.h"
#include "keyd/supervisor/supervisor.h"

#define FIXTURE_DEADLINE_USEC (20 * USEC_PER_SEC)

typedef struct Fixture {
        char root[64];      /* a new folder; the loader's notes are in ROOT/etc.told */
        char toy[PATH_MAX]; /* path of toy-role */
        char listen[128], admin[128];
        int listen_fd, admin_fd;
        pid_t pid;
        SupervisorParameters p; /* what fixture_start() starts with */
} Fixture;

/* @toy: path of toy-role. All roles are links to it; fixture_link_role() changes one. */
void fixture_init(Fixture *f, const char *toy);
void fixture_done(Fixture *f);
void fixture_link_role(Fixture *f, const char *role, const char *program);

/* What the toy loader does next, see toy-role.c. */
void fixture_set_mode(Fixture *f, const char *mode);
void fixture_let_go(Fixture *f);
void fixture_write_file(Fixture *f, const char *name, const char *text);

/* Starts the supervisor; returns when its first load is done (@loaded) or at once. */
void fixture_start(Fixture *f, bool loaded);

/* Waits until it ends. Return: as waitpid() says */
int fixture_wait(Fixture *f);

/* The lines that loaders noted; waits until there are @n. Owned by the caller. */
char *fixture_told(Fixture *f, unsigned n);

typedef struct Answer {
        int pid;
        unsigned long long revision;
        unsigned n_records, n_fds;
        unsigned told_more; /* whether the environment has what is not for it */
} Answer;

/* Connects as calld; the toy verifier answers. Return: false when it went away meanwhile */
bool fixture_call(Fixture *f, Answer *ret);

/* Calls until @revision is there. */
void fixture_wait_revision(Fixture *f, unsigned long long revision, Answer *ret);

/* The admin socket */

typedef struct Status {
        MsgAdminStatus m; /* spans point into record */
        Buf record;
} Status;

int fixture_connect_admin(Fixture *f);
void fixture_status(Fixture *f, Status *ret);
void fixture_ask_reload(int fd, bool dry_run);

/* Reads reports up to RELOADED. *ret_text: their sentences, a line each (owned by the caller). Return: n_failed */
uint32_t fixture_take_reloaded(int fd, char **ret_text);
uint32_t fixture_reload(Fixture *f, bool dry_run, char **ret_text);
