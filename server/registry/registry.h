/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_REGISTRY_H
#define SERVER_REGISTRY_REGISTRY_H

#include "policy/base/clock.h"
#include "policy/base/error.h"
#include "policy/facts.h"
#include "policy/reference.h"
#include "server/registry/cache.h"
#include "server/registry/settings.h"

/*
 * References in, facts out. One thread of its own owns every transfer; all
 * functions may be called from any thread.
 *
 * OCI distribution specification v1.1, Docker token specification.
 */
struct registry;

/* What the client tells of its work, on the registry's thread: for metrics and
 * log. */
struct registry_observer {
	/* An HTTP exchange ended. `label` is the host where the settings list
	 * it, else "other"; kind is manifest, blob or token; status 0: no
	 * answer. */
	void (*exchange)(void *arg, const char *label, const char *kind,
	    long status, int64_t ms);
	/* A registry has told how often it may be asked: `label` is its host,
	 * where the settings list it, or Docker Hub's. -1: not told. */
	void (*ratelimit)(
	    void *arg, const char *label, int64_t limit, int64_t remaining);
	/* A reference was answered; result is hit, miss, stale or negative,
	 * the rest what the cache holds now. From any thread. */
	void (*cache)(
	    void *arg, const char *result, size_t bytes, size_t entries);
	/* level is debug or warn; all is sanitised and free of secrets. */
	void (*log)(void *arg, const char *level, const char *event,
	    const char *host, const char *detail);
	void *arg;
};

struct registry_options {
	const struct clock *clock;                /* borrowed, outlives it */
	const struct registry_observer *observer; /* borrowed, or NULL */
	bool guard_addresses; /* serve: on; command line: off */
	bool keep_on_disk;    /* likewise: in the settings' cache.dir */
	bool run_helpers;     /* docker's, for credentials; serve: off */
	/* Of large documents at a time, beyond what the cache may keep: then
	 * there is ERR_NOMEM for the next one. 0: no bound. */
	size_t large_bytes;
};

/* Room for one of the largest images that there may be, and not for many. */
enum { REGISTRY_LARGE_BYTES = 40 * 1024 * 1024 };

/* Starts the thread. Takes a reference on `settings`. NULL with *err:
 * ERR_NOMEM, ERR_SYSTEM. */
struct registry *registry_new(struct registry_settings *settings,
    const struct registry_options *o, struct error *err);

/* Waits for the thread; every open call's callback has run with
 * ERR_UNAVAILABLE when it returns. */
void registry_free(struct registry *r);
OWNED(struct registry, registry_free)

/* Later calls use these settings; calls under way keep theirs. What is known
 * has to be proved again by them, unless they do not differ. */
void registry_set_settings(struct registry *r, struct registry_settings *s);

/*
 * Runs exactly once: on the calling thread before registry_resolve() returns,
 * where the answer is remembered, else on the registry's thread, where it must
 * not block. `from`
 * says where the answer is from: CACHE_MISS is the registry itself. `set` is
 * borrowed (take a reference to keep it), or NULL with *err set: one of
 * ERR_REFERENCE to ERR_NO_PLATFORM, ERR_LIMIT, ERR_SYNTAX, ERR_NOMEM,
 * ERR_INTERNAL.
 */
typedef void registry_done(void *arg, struct image_set *set,
    enum cache_result from, const struct error *err);

/*
 * Resolves a reference once, to the facts of every platform that a node of
 * `platforms` could run (n = 0: every runnable one). Everything passed is
 * copied. `deadline` is in the clock's monotonic milliseconds: `done` has
 * run by then, with ERR_TIMEOUT at the latest.
 * Returns 0, or -1 with *err (ERR_NOMEM) when `done` will never run.
 */
int registry_resolve(struct registry *r, const struct reference *ref,
    const struct platform_set *platforms, int64_t deadline, registry_done *done,
    void *arg, struct error *err);

#endif
