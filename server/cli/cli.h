/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_CLI_H
#define SERVER_CLI_CLI_H

#include "policy/base/error.h"

#include "server/gate/policies.h"

#include <getopt.h>

/*
 * The command line: main() finds the command in a table and hands it its
 * arguments, argv[0] being the command's name. Results go to stdout,
 * everything else to stderr.
 */

/* What a command returns; a promise to scripts. */
enum exit_status {
	STATUS_OK = 0,       /* admitted, warnings included */
	STATUS_REJECTED = 1, /* at least one image is rejected */
	STATUS_USAGE = 2,    /* usage, policy or an input file is wrong */
	STATUS_UNJUDGED = 3, /* something could not be judged */
};

int cmd_serve(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_baseline(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_lint(int argc, char **argv);
int cmd_certs(int argc, char **argv);
int cmd_version(int argc, char **argv);

/* The version, as compiled in. */
const char *version_string(void);

/*
 * Says what is wrong with the usage on stderr ("policy-gate check: ..."), and
 * where help is. Returns STATUS_USAGE.
 */
int cli_usage(const char *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Says "policy-gate check: MESSAGE" on stderr; returns `status`. */
int cli_fail(const char *command, int status, const struct error *err);

/*
 * getopt_long() that explains itself: an unknown option is told with the
 * nearest known one. Returns an option's value, -1 at the end, or '?' after
 * saying what is wrong.
 */
int cli_option(int argc, char **argv, const char *short_options,
    const struct option *options);

/* One more --policy. Returns STATUS_OK, or STATUS_USAGE after saying why not.
 */
int cli_policy(const char *command, struct policies *p, const char *path);

/* What POLICY_GATE_NAME is set to, for options that are not given; NULL where
 * it is unset or empty. */
const char *cli_environment(const char *variable);

/* Writes the help text to stdout; returns STATUS_OK, or STATUS_USAGE when
 * stdout cannot be written. */
int cli_help(const char *text);

/* Flushes stdout: a full disk is an error, not a silent success. Returns
 * `status`, or STATUS_USAGE after saying so. */
int cli_finish(const char *command, int status);

#endif
