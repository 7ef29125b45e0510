/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_CHECK_H
#define SERVER_CLI_CHECK_H

#include "server/cli/formats.h"
#include "server/cli/inputs.h"
#include "server/cli/output.h"
#include "server/cli/session.h"

/* What `check` and the commands that are one in other words were asked. */
enum { CHECK_PATHS_MAX = 1024 };

struct paths {
	const char *items[CHECK_PATHS_MAX];
	size_t n;
};

struct check {
	struct policies policy;
	const char *config;
	int64_t timeout; /* seconds, for one workload */
	const char *dockerfile;
	const char *known_as;
	const char *baseline;
	/* From which verdict on the exit status is 1; VERDICT_NONE: never. */
	enum verdict fail_on;
	struct formats outputs;
	struct paths files;
	struct paths against; /* as they were before */
	const char *namespace;
};

/*
 * Judges all of the workloads, which are taken out of *in, and writes the
 * outputs. Says on stderr what is wrong. Returns the exit status; after
 * Ctrl-C it says what was done and does not return.
 */
int check_run(struct check *c, struct inputs *in);

/* A command that is check in other words. */
struct check_command {
	const char *help;
	const struct format *formats;
	enum verdict fail_on;
	bool takes_files; /* arguments are manifests, not images */
};

int check_main(int argc, char **argv, const struct check_command *command);

#endif
