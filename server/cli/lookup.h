/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_LOOKUP_H
#define SERVER_CLI_LOOKUP_H

#include "policy/base/arena.h"
#include "policy/facts.h"
#include "policy/reference.h"
#include "server/cli/session.h"
#include "server/registry/local.h"

/* Facts of single images that are named on the command line, for people who
 * want to see them: no policy, every platform. */
struct lookup {
	const char *text; /* a reference, or as server/registry/local.h */
	struct session *session;
	struct arena *mem;
	struct reference ref;  /* of a reference */
	struct local local;    /* else */
	struct image_set *set; /* NULL where it could not be had */
	struct error err;
};

/*
 * Looks up `n` images, text set, at once. Returns STATUS_OK, STATUS_UNJUDGED
 * where an image could not be had (its err says why), or STATUS_USAGE after
 * saying what is wrong. lookup_clear() each in any case.
 */
int lookup_all(struct lookup *l, size_t n, const char *command,
    const char *config, int64_t timeout);
void lookup_clear(struct lookup *l);
static inline void
own_lookup_clear(struct lookup *l)
{
	lookup_clear(l);
}

/* "registry.corp/web@sha256:...", or the text for what is in no registry; in
 * l->mem. NULL when memory is out. */
const char *lookup_name(const struct lookup *l);

#endif
