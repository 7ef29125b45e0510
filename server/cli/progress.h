/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_PROGRESS_H
#define SERVER_CLI_PROGRESS_H

#include "server/cli/term.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

/*
 * A line on the terminal (stderr) while many images are looked at, and Ctrl-C
 * taken note of. Nothing is shown where stderr is no terminal.
 */
struct progress {
	struct term term;
	size_t total;
	atomic_size_t done;
	char what[64];   /* where the last was asked for */
	int64_t started; /* monotonic milliseconds */
	bool is_shown;
	int signals;   /* a signalfd; -1: none */
	sigset_t mask; /* as it was before */
	atomic_bool interrupted;
};

/* Before any thread is started, which would get the signal else. */
void progress_open(struct progress *p);
/* Takes the line away; the next tick shows it again. */
void progress_clear(struct progress *p);
/* The same; Ctrl-C works as before. */
void progress_close(struct progress *p);

/* `image` is asked for: its registry is shown. */
void progress_start(struct progress *p, const char *image);

/* A session's tick(): shows the line anew; true after Ctrl-C. */
bool progress_tick(void *progress);

#endif
