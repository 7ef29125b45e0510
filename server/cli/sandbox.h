/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SANDBOX_H
#define SERVER_CLI_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What `serve` gives up before it listens, so that who takes it over has
 * little of it: no new privileges, not to be looked into or dumped, no files
 * but those it was told of (Landlock), no system calls but those it makes
 * (seccomp). A call that is not in the table fails with ENOSYS, and one that
 * nothing but an attack makes ends the process. What the kernel does not have
 * is done without.
 */
struct sandbox {
	bool wanted;
	int rules;      /* Landlock's, or -1 */
	uint64_t known; /* the rights that it has power over */
	/* "on" where it is entered; else why not. */
	const char *files;
	const char *calls;
};

/* Allows reading /etc and /usr, and nothing else yet. Without `wanted`, and in
 * builds with sanitizers or coverage, which make calls of their own, nothing
 * comes of it. */
void sandbox_init(struct sandbox *s, bool wanted);

/* Allows reading a file and its folder, as names that it gets later stand
 * there too; where it is a link, what it leads to likewise. NULL and what is
 * not there are passed over. */
void sandbox_allow_read(const struct sandbox *s, const char *path);

/* Allows everything but running programs in a folder, which is made. */
void sandbox_allow_write(const struct sandbox *s, const char *folder);

/* For good, for this thread and those that it starts. Returns whether all of
 * it is in force. */
bool sandbox_enter(struct sandbox *s);

#endif
