/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_HISTORY_SHELL_H
#define POLICY_HISTORY_SHELL_H

#include "policy/base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A shell's commands, split up as far as it takes to look at programs and
 * their arguments (POSIX.1-2017, Shell Command Language, 2.3 and 2.9). Nothing
 * is expanded and nothing is run: "$X" stays "$X", a command substitution is
 * a word.
 */

enum {
	SHELL_DEPTH_MAX = 3, /* of `sh -c` and documents within one another */
	SHELL_COMMANDS_MAX = 1024, /* of one script; what is more is left out */
	/* Here-documents; more are read as commands. */
	SHELL_DOCUMENTS_MAX = 16,
};

struct command {
	/* What stands before the program: "A=b", quotes taken off. `export`
	 * and its like have theirs here too. */
	const char *const *sets;
	size_t nsets;
	/* The program without its directory, then its arguments. */
	const char *const *words;
	size_t n;
	bool piped;       /* reads what the command before it writes */
	bool conditional; /* in an arm of if or case, after ||, or written */
	bool written;     /* in a here-document that no shell reads: not run */
};

struct script {
	struct command *commands;
	size_t n;
	size_t cap;
	size_t nsets; /* of all commands */
};

/*
 * Splits `len` bytes of text; what `sh -c`, eval and here-documents are
 * given is split in turn. Linear. All is in `mem`. Returns 0, or -1 when memory
 * is out. Anything is a script: what no shell would take gives some commands or
 * other.
 */
int shell_split(
    struct script *out, const char *text, size_t len, struct arena *mem);

/* Whether the command's program is `name`. */
bool command_is(const struct command *c, const char *name);

/* Whether it is one of the names (ends with NULL). */
bool command_is_one_of(const struct command *c, const char *const *names);

/* The value that a variable was last set to before the command `before`, or
 * NULL. Borrowed. */
const char *script_variable(
    const struct script *s, size_t before, const char *name, size_t len);

/* sh, bash, dash, ...; ends with NULL. */
extern const char *const shell_names[];

#endif
