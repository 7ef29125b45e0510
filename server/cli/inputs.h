/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_INPUTS_H
#define SERVER_CLI_INPUTS_H

#include "policy/workload.h"
#include "server/cli/skipped.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What `check` is asked to judge, read from files, folders, standard input
 * and bare references, in the order given.
 */
struct inputs {
	const char *command;
	const char *namespace; /* for objects that name none */
	const char *known_as;  /* what an image on this machine is called, or
				  NULL: as its maker named it */
	struct workload **workloads; /* owned; taken out by the caller */
	size_t n;
	size_t cap;
	struct skipped skipped;
	bool in_folder; /* being walked */
	bool wrong;     /* something could not be read; said on stderr */
};

void inputs_init(struct inputs *in, const char *command, const char *namespace);
void inputs_clear(struct inputs *in);

/*
 * A file, "-", or a folder, where every .yaml, .yml and .json below it is
 * read in the order of their names; what has no kind there is skipped. What is
 * wrong is said on stderr as file:line:column; reading goes on with the next
 * document. A file with no object in it at all is wrong, too.
 */
void inputs_add_path(struct inputs *in, const char *path);
/* A reference, or an image on this machine (server/registry/local.h). */
void inputs_add_image(struct inputs *in, const char *text);

/*
 * Says of each container which reference stood there before: in the workload of
 * `old` with the same kind, namespace and name, at the same container's name.
 * Sorts `old`.
 */
void inputs_compare(struct inputs *in, struct inputs *old);

#endif
