/* SPDX-License-Identifier: Apache-2.0 */

/*
 * keyd-loader: the role that reads the configuration and opens keystores
 *
 * Short-lived: one load, one check or one inspection. No network, no child. --make-host-key, by hand or when midtls is installed, is the
 * one mode that writes: it reads nothing that others made, and no filter stands in its way.
 */

#include "common/daemon-options.h"
#include "common/jail.h"
#include "common/log.h"
#include "common/role-process.h"
#include "keyd/loader/check.h"
#include "keyd/loader/confine.h"
#include "keyd/loader/secrets/host-key-make.h"
#include "keyd/loader/load.h"
#include "keyd/loader/run.h"

#define PURPOSE "Started by keyd to load keys; by hand with --check, --inspect or --make-host-key."
#define EXIT_USAGE 2

static const DaemonOption options[] = {
        DAEMON_ROW_CONFIG_DIR, DAEMON_ROW_LOG,       DAEMON_ROW_CHECK,    DAEMON_ROW_ROOT,
        DAEMON_ROW_INSPECT,    DAEMON_ROW_KEY_ALIAS, DAEMON_ROW_HOST_KEY, DAEMON_ROW_SANDBOX,
};

static int make_host_key(const DaemonOptions *o) {
        int r = jail_prepare();

        if (r >= 0)
                r = host_key_make(o->config_dir);

        return r < 0 ? log_errno(r, "Cannot make this host's key") : r;
}

/* Return: 0, 1 when what was looked at is not good, -errno (logged) */
static int work(const DaemonOptions *o) {
        int r;

        if (o->make_host_key)
                return make_host_key(o);

        r = load_prepare();
        if (r >= 0)
                r = confine(o->sandbox_off, !o->inspect && !o->check);
        if (r < 0)
                return log_errno(r, "Cannot confine the loader");

        if (o->inspect)
                r = check_keystore(o->inspect, o->key_alias);
        else if (o->check)
                r = check_configuration(o->config_dir, o->root);
        else
                return run_load(o->config_dir);

        if (r < 0)
                return log_errno(r, "Cannot look at %s", o->inspect ? o->inspect : o->config_dir ? o->config_dir : "the configuration");
        return r;
}

int main(int argc, char *argv[]) {
        DaemonOptions o;
        int r;

        r = daemon_options_parse("keyd", PURPOSE, options, ARRAY_SIZE(options), argc, argv, &o);
        if (r != 0)
                return r == DAEMON_OPTIONS_E_DONE ? EXIT_SUCCESS : EXIT_USAGE;

        role_open_log("keyd-loader", o.log ? log_target_from_string(o.log) : LOG_TARGET_AUTO);
        return work(&o) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
