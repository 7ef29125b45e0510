/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_FETCH_H
#define SERVER_REGISTRY_FETCH_H

#include "server/registry/client.h"

/*
 * One thing of a registry: a manifest by tag or digest, or a blob. Does what
 * it takes to get it: mirrors in order, authentication with each credential in
 * turn, redirects, repetitions (OCI distribution specification v1.1).
 */

enum { REDIRECTS_MAX = 5 };

enum fetch_kind { FETCH_MANIFEST, FETCH_BLOB };

struct fetch_request {
	enum fetch_kind kind;
	bool head;        /* a manifest's headers alone, where it knows HEAD */
	const char *host; /* as references write it */
	const char *path;
	const char *what; /* a tag or a digest */
	bool by_tag;
	size_t max;                         /* bytes */
	struct registry_settings *settings; /* borrowed; reference taken */
};

struct fetch;

/*
 * `a` is an answer of status 200, borrowed; or NULL with *err. Where HEAD was
 * asked for and not understood, it is the answer to a GET (a->len > 0).
 * The fetch is gone when this runs.
 */
typedef void fetch_done(
    void *arg, const struct http_answer *a, const struct error *err);

/* `*deadline` is borrowed and may move while the fetch lives. NULL with
 * ERR_NOMEM: `done` will not run. */
struct fetch *fetch_start(struct client *c, const struct fetch_request *rq,
    const int64_t *deadline, fetch_done *done, void *arg, struct error *err);

/* `done` will not run. `timed_out`: because the time was over, which speaks
 * against the registry. */
void fetch_cancel(struct fetch *f, bool timed_out);

#endif
