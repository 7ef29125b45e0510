/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_LOOKUP_H
#define SERVER_CLI_LOOKUP_H

#include "policy/base/arena.h"
#include "policy/evaluate.h"
#include "server/cli/session.h"
#include "server/registry/local.h"

/* Facts of single images that are named on the command line, for people who
 * want to see them: no policy, every platform. */

enum { LOOKUP_BASES_MAX = 16 };

struct lookup_options {
	const char *command;
	const char *config; /* or NULL */
	int64_t timeout;    /* seconds; 0: the usual */
	/* References that may be what the images are built on. */
	const char *bases[LOOKUP_BASES_MAX];
	size_t nbases;
};

/* Reads an option that inspect and diff share ('c'onfig, 't'imeout, 'b'ase);
 * others are left alone. Returns STATUS_OK, or STATUS_USAGE after saying what
 * is wrong. */
int lookup_option(struct lookup_options *o, int option, const char *value);

struct lookup {
	const char *text; /* a reference, or as server/registry/local.h */
	struct session *session;
	struct arena *mem;
	struct reference ref;  /* of a reference */
	struct local local;    /* else */
	struct image_set *set; /* NULL where it could not be had */
	/* One for each of its images: what it is, and what it is built on. */
	struct report_platform *platforms;
	struct error err;
};

/*
 * Looks up `n` images, text set, at once (options that were not given are
 * taken from the environment), and what they are built on: those
 * of the bases named, and what they claim, if that is in a registry that was
 * named anyhow, whose layers lie beneath. Returns STATUS_OK, STATUS_UNJUDGED
 * where an image could not be had (its err says why), or STATUS_USAGE after
 * saying what is wrong. lookup_clear() each in any case.
 */
int lookup_all(struct lookup *l, size_t n, struct lookup_options *o);
/* Says on stderr why an image could not be had. */
void lookup_tell(const struct lookup *l, const char *command);

void lookup_clear(struct lookup *l);
OWNED_IN_PLACE(struct lookup, lookup_clear)

/* "registry.corp/web@sha256:...", or the text for what is in no registry; in
 * l->mem. NULL when memory is out. */
const char *lookup_name(const struct lookup *l);

#endif
