/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_HISTORY_PACKAGES_H
#define POLICY_HISTORY_PACKAGES_H

#include "policy/history/shell.h"

/* What a command asks of a package manager. */

enum manager {
	MANAGER_NONE,
	MANAGER_APT,
	MANAGER_APK,
	MANAGER_DNF, /* yum, microdnf, tdnf too */
	MANAGER_ZYPPER,
	MANAGER_PIP,
	MANAGER_NPM,
	MANAGER_YARN,
	MANAGER_PNPM,
	MANAGER_BUNDLE,
	MANAGER_COMPOSER,
	MANAGER_POETRY,
	MANAGER_PIPENV,
	MANAGER_GO,
};

enum package_action {
	ACTION_OTHER,
	ACTION_UPDATE, /* fetches indexes */
	ACTION_INSTALL,
	ACTION_REMOVE,
	ACTION_AUTOREMOVE,
	ACTION_CLEAN,
	ACTION_MARK_AUTO,   /* apt-mark auto */
	ACTION_MARK_MANUAL, /* apt-mark manual */
};

struct package_use {
	enum manager manager;
	enum package_action action;
	/* Words of the command from here on are packages and options. */
	size_t operands;
	const char *group; /* apk add --virtual NAME; NULL: none */
};

/* MANAGER_NONE where the command is none of theirs. */
struct package_use package_use(const struct command *c);

/* The next package from *i on, or NULL: options and their values are left
 * out. */
const char *package_next(
    const struct command *c, const struct package_use *u, size_t *i);

/* Whether the command has the option, alone or as "option=...". */
bool command_has(const struct command *c, const char *option);

/* "rm -r", and one of its arguments contains `path`. */
bool command_removes(const struct command *c, const char *path);

#endif
