#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The supervisor: owns the listening sockets, starts the roles and replaces those that died, has the configuration loaded */

#include "common/def.h"

typedef struct SupervisorParameters {
        const char *executables; /* folder of keyd-signer, keyd-verifier, keyd-loader */
        const char *config_dir;  /* for the loader; NULL: the standard folders */
        const char *log;         /* for the roles; NULL: their default */
        bool sandbox_off;
        int listen_fd; /* calld connects here; borrowed */
        int admin_fd;  /* root connects here; borrowed; -1: none */

        /* All are set by supervisor_parameters_init(). */
        unsigned crash_burst; /* a role that ended as often as this within the interval ends us too: the manager starts all anew */
        uint64_t crash_interval_usec;
        uint64_t load_deadline_usec; /* for what a loader does besides reading the files of profiles; then it is killed */
        uint64_t slow_usec;          /* CPU time for the files of a profile; who needs more is put off */
        uint64_t profile_usec;       /* time for them, CPU or not; then the loader is killed */
        uint64_t patience_usec;      /* time for those of a profile that was put off */
        uint64_t role_deadline_usec; /* to be ready after start; to take the next record of what is queued */
        uint64_t debounce_usec;      /* of silence after the last change of a file before it is loaded */
        uint64_t debounce_max_usec;  /* after the first one it is loaded in any case */
        uint64_t refresh_usec;       /* loads although nothing was seen to change: dates pass, watches miss */
        uint64_t retry_usec;         /* after a load that failed as a whole */
        uint64_t admin_idle_usec;    /* a client of the admin socket that asks nothing for as long is closed */
} SupervisorParameters;

void supervisor_parameters_init(SupervisorParameters *ret);

/*
 * Runs until SIGTERM or SIGINT; SIGHUP loads anew. No child is left when it returns.
 *
 * Return: 0; -ECHILD when a role died too often; other -errno
 */
int supervisor_run(const SupervisorParameters *p) _must_check_;
