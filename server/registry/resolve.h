/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_RESOLVE_H
#define SERVER_REGISTRY_RESOLVE_H

#include "server/registry/client.h"
#include "server/registry/registry.h"

/*
 * One call of registry_resolve() on the registry's thread: the reference, then
 * of an index every entry that a node could run, side by side.
 */

enum {
	INDEX_DEPTH_MAX = 2,      /* an index within an index */
	CHILD_MANIFESTS_MAX = 16, /* that one image may lead to */
	/* Manifests and configs of one image, all platforms. */
	RESOLVE_BYTES_MAX = 32 * 1024 * 1024,
	/*
	 * What one image costs at the most until it is judged: all that is
	 * announced, as bodies or as facts (RESOLVE_BYTES_MAX); the first
	 * manifest, which nobody announced, twice; of the one document that is
	 * being read its tree (its text, and STRICT_VALUES_MAX values: 14 MiB)
	 * and its facts beside those of the manifest. The rest is buffers.
	 * tests/integration/registry_memory_test.py measures it.
	 */
	RESOLVE_MEMORY_MAX = 64 * 1024 * 1024,
	RESOLVE_LATE_MS = 30 * 1000,
	RESOLVE_LATE_MAX = 256, /* of registries that nobody has listed */
};

/* `set` is borrowed, or NULL with *err; as registry.h says of them. `stale`:
 * it is what was on disk, as the registry could not be asked. */
typedef void job_done(
    void *arg, struct image_set *set, bool stale, const struct error *err);

struct job_request {
	const struct reference *ref;
	const struct platform_set *platforms;
	struct image_set *known; /* what it was before, or NULL; taken */
	int64_t deadline;
	struct registry_settings *settings; /* borrowed; reference taken */
	/* The deadline has passed: who waits need not. The job goes on for
	 * RESOLVE_LATE_MS, unless others work on the same, so that what is
	 * slow is there the next time. At most once. */
	void (*late)(void *arg, const struct error *err);
	job_done *done; /* always; last */
	void *arg;
};

/* Copies the request, from any thread. NULL when memory is out. */
struct job *job_new(const struct job_request *rq);

/* Steals the job. `done` runs from client_run(), or from job_stop_all(). */
void job_start(struct client *c, struct job *j);

/* Ends every job with ERR_UNAVAILABLE. */
void job_stop_all(struct client *c);

/* Ends one that was never started; job_free() without a word. */
void job_refuse(struct job *j);
void job_free(struct job *j);

#endif
