/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_RESOLVE_STATE_H
#define SERVER_REGISTRY_RESOLVE_STATE_H

#include "server/registry/load.h"
#include "server/registry/resolve.h"

/* Private to resolve.c and resolve_set.c. */

/* One thing to load: the reference, or an entry of an index. */
struct node_load {
	STAILQ_ENTRY(node_load) entry;
	struct job *job;
	struct load_waiter waiter;
	struct content *content;
	const struct index_entry *listed; /* in the parent's content; or NULL */
	const struct node_load *parent;
	int depth;    /* of indexes above it */
	bool counted; /* its config's bytes, before they were asked for */
};

struct job {
	LIST_ENTRY(job) entry;
	struct client *client;
	struct arena *mem;
	struct job_request rq;
	struct reference ref;
	struct platform_set platforms;
	struct timer timer;
	STAILQ_HEAD(node_loads, node_load) nodes; /* as the indexes have them */
	char *repository;
	int pending;
	bool late;
	int manifests;
	int64_t bytes;
};

/* Whether a node would pick a platform. What says "unknown" is no program. */
bool job_wants(const struct job *j, const struct platform *p);

/* Everything is loaded: a new reference, or NULL when memory is out. */
struct image_set *job_result(const struct job *j);

#endif
