/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/registry.h"

#include "server/registry/cache_key.h"
#include "server/registry/client.h"
#include "server/registry/load.h"
#include "server/registry/resolve.h"
#include "server/registry/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

enum { IDLE_MS = 60 * 1000 };

/* A call whose answer is to be remembered; the argument of its job. */
struct asking {
	STAILQ_ENTRY(asking) entry; /* on its way to the thread */
	struct job *job;            /* likewise */
	struct registry *registry;
	struct registry_settings *settings; /* a reference */
	char *key;
	registry_done *done; /* NULL: nobody waits any more */
	void *arg;
};

STAILQ_HEAD(asking_queue, asking);

struct registry {
	struct client client; /* the thread's */
	size_t large_bytes;
	pthread_t thread;
	pthread_mutex_t mutex; /* over what follows */
	bool stop;
	struct asking_queue calls;
	struct registry_settings *settings; /* for new calls */
};

static enum cache_result answer_from_cache(struct asking *a);
static void asking_free(struct asking *a);

/* Another call may have brought the answer since this one looked for it. */
static bool
is_answered(struct asking *a)
{
	if (a->done == NULL)
		return false; /* it is to bring it */
	switch (answer_from_cache(a)) {
	case CACHE_MISS:
	case CACHE_REFRESH:
		return false;
	default:
		job_free(a->job);
		asking_free(a);
		return true;
	}
}

/* Starts what has come, or refuses it (*stop). Whether there was any. */
static bool
start_calls(struct registry *r, bool *stop)
{
	struct asking_queue all = STAILQ_HEAD_INITIALIZER(all);
	struct asking *a;
	bool any;

	pthread_mutex_lock(&r->mutex);
	STAILQ_CONCAT(&all, &r->calls);
	*stop = r->stop;
	pthread_mutex_unlock(&r->mutex);
	any = !STAILQ_EMPTY(&all);
	while ((a = STAILQ_FIRST(&all)) != NULL) {
		STAILQ_REMOVE_HEAD(&all, entry);
		if (*stop)
			job_refuse(a->job);
		else if (!is_answered(a))
			job_start(&r->client, a->job);
	}
	return any;
}

static void
warn_of_store(void *arg, const char *event, const char *detail)
{
	const struct client *c = arg;

	client_log(c, "warn", event, "", detail);
}

/* Without it the registries are asked for more, and nothing else. */
static void
open_store(struct client *c, const char *dir)
{
	const struct store_options o = {
	    .dir = dir, .clock = c->clock, .warn = warn_of_store, .arg = c};
	struct error err = ERROR_INIT;

	c->store = store_open(&o, &err);
	if (c->store == NULL)
		client_log(c, "warn", "store_not_used", "", err.msg);
}

static void *
run(void *arg)
{
	struct registry *r = arg;
	bool stop = false;

	while (!stop) {
		start_calls(r, &stop);
		if (!stop)
			client_run(&r->client, IDLE_MS);
	}
	job_stop_all(&r->client);
	return NULL;
}

/* Signals are for the program's own threads. */
static int
start_thread(struct registry *r)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static size_t
large_bytes(const struct registry *r, const struct registry_settings *s)
{
	return r->large_bytes == 0 ? SIZE_MAX : r->large_bytes + s->cache_bytes;
}

/* What is left once no thread uses it. */
static void
release(struct registry *r)
{
	struct client *c = &r->client;

	if (c->transport != NULL)
		c->transport->destroy(c->transport);
	store_close(c->store);
	cache_free(c->cache);
	budget_unref(c->budget);
	registry_settings_unref(r->settings);
	pthread_mutex_destroy(&r->mutex);
	free(r);
}

static int
set_up(struct registry *r, const struct registry_options *o, struct error *err)
{
	struct client *c = &r->client;

	client_init(c);
	c->clock = o->clock;
	c->observer = o->observer;
	c->guard = o->guard_addresses;
	c->run_helpers = o->run_helpers;
	r->large_bytes = o->large_bytes;
	c->cache = cache_new(o->clock);
	c->budget = budget_new(large_bytes(r, r->settings));
	if (c->cache == NULL || c->budget == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	c->transport = transport_curl_new(o->clock, c->budget, err);
	if (c->transport == NULL)
		return -1;
	if (o->keep_on_disk && r->settings->store_dir != NULL)
		open_store(c, r->settings->store_dir);
	return 0;
}

struct registry *
registry_new(struct registry_settings *settings,
    const struct registry_options *o, struct error *err)
{
	struct registry *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	r->settings = registry_settings_ref(settings);
	pthread_mutex_init(&r->mutex, NULL);
	STAILQ_INIT(&r->calls);
	if (set_up(r, o, err) != 0) {
		release(r);
		return NULL;
	}
	rc = start_thread(r);
	if (rc != 0) {
		error_set(err, ERR_SYSTEM,
		    "the registry thread cannot start: %s", strerror(rc));
		release(r);
		return NULL;
	}
	return r;
}

void
registry_free(struct registry *r)
{
	bool stop;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mutex);
	r->stop = true;
	pthread_mutex_unlock(&r->mutex);
	r->client.transport->wakeup(r->client.transport);
	pthread_join(r->thread, NULL);
	/* What came while the last jobs were ended, and what comes of that. */
	while (start_calls(r, &stop))
		;
	client_clear(&r->client);
	release(r);
}

/* With the mutex held; returns what was there. */
static struct registry_settings *
replace_settings(struct registry *r, struct registry_settings *s)
{
	struct registry_settings *old = r->settings;

	r->settings = registry_settings_ref(s);
	/* What was learned by other credentials proves nothing any more. */
	cache_distrust(r->client.cache);
	budget_set_max(r->client.budget, large_bytes(r, s));
	return old;
}

void
registry_set_settings(struct registry *r, struct registry_settings *s)
{
	struct registry_settings *old = NULL;

	pthread_mutex_lock(&r->mutex);
	if (strcmp(r->settings->digest, s->digest) != 0)
		old = replace_settings(r, s);
	pthread_mutex_unlock(&r->mutex);
	registry_settings_unref(old);
}

static struct registry_settings *
current_settings(struct registry *r)
{
	struct registry_settings *s;

	pthread_mutex_lock(&r->mutex);
	s = registry_settings_ref(r->settings);
	pthread_mutex_unlock(&r->mutex);
	return s;
}

static void
enqueue(struct registry *r, struct asking *a)
{
	pthread_mutex_lock(&r->mutex);
	STAILQ_INSERT_TAIL(&r->calls, a, entry);
	pthread_mutex_unlock(&r->mutex);
	r->client.transport->wakeup(r->client.transport);
}

static struct cache_limits
limits_of(const struct registry_settings *s)
{
	return (struct cache_limits){
	    .bytes = s->cache_bytes,
	    .tag_ttl = s->tag_ttl,
	    .stale_for = s->stale_for,
	    .negative_ttl = s->negative_ttl,
	};
}

static void
observe_cache(struct registry *r, enum cache_result result)
{
	const struct registry_observer *o = r->client.observer;
	size_t bytes, entries;

	if (o == NULL || o->cache == NULL)
		return;
	cache_usage(r->client.cache, &bytes, &entries);
	o->cache(o->arg, cache_result_name(result), bytes, entries);
}

static void
asking_free(struct asking *a)
{
	if (a == NULL)
		return;
	registry_settings_unref(a->settings);
	free(a->key);
	free(a);
}
OWNED(struct asking, asking_free)

/* An answer by settings that have been replaced is not kept. */
static void
remember(const struct asking *a, struct image_set *set, const struct error *err)
{
	struct registry *r = a->registry;
	const struct cache_limits limits = limits_of(a->settings);

	pthread_mutex_lock(&r->mutex);
	if (r->settings != a->settings)
		; /* as if it had never come */
	else if (set != NULL)
		cache_store(r->client.cache, a->key, set, &limits);
	else
		cache_store_failure(r->client.cache, a->key, err, &limits);
	pthread_mutex_unlock(&r->mutex);
}

/* Whoever waits gets the answer; there will be no other. */
static void
tell(struct asking *a, struct image_set *set, enum cache_result from,
    const struct error *err)
{
	registry_done *done = a->done;

	if (done == NULL)
		return;
	a->done = NULL;
	observe_cache(a->registry, from);
	done(a->arg, set, from, err);
}

/* Tells an old answer, if there is one; else that it failed. */
static void
tell_failure(struct asking *a, const struct error *err)
{
	AUTO(image_set_unref) struct image_set *stale = NULL;
	const struct cache_limits limits = limits_of(a->settings);

	if (cache_is_outage(err->code) &&
	    cache_find_stale(a->registry->client.cache, a->key, &limits,
		&stale) == CACHE_STALE)
		tell(a, stale, CACHE_STALE, NULL);
	else
		tell(a, NULL, CACHE_MISS, err);
}

/* On the registry's thread: the registry has answered, or has not. */
static void
answered(void *arg, struct image_set *set, bool stale, const struct error *err)
{
	AUTO(asking_free) struct asking *a = arg;

	if (!stale)
		remember(a, set, err);
	if (set != NULL)
		tell(a, set, stale ? CACHE_STALE : CACHE_MISS, NULL);
	else
		tell_failure(a, err);
}

/* Likewise: it has not, in time. */
static void
late(void *arg, const struct error *err)
{
	tell_failure(arg, err);
}

/* Tells what is remembered; CACHE_REFRESH: and it has to be asked for anew. */
static enum cache_result
answer_from_cache(struct asking *a)
{
	AUTO(image_set_unref) struct image_set *set = NULL;
	const struct cache_limits limits = limits_of(a->settings);
	struct error err = ERROR_INIT;
	enum cache_result result =
	    cache_find(a->registry->client.cache, a->key, &limits, &set, &err);

	if (result != CACHE_MISS)
		tell(a, set, result, set == NULL ? &err : NULL);
	return result;
}

static struct asking *
asking_new(struct registry *r, const struct reference *ref,
    const struct platform_set *platforms, registry_done *done, void *arg)
{
	AUTO(asking_free) struct asking *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	*a = (struct asking){.registry = r,
	    .settings = current_settings(r),
	    .key = cache_key(ref, platforms),
	    .done = done,
	    .arg = arg};
	return a->key != NULL ? TAKE(a) : NULL;
}

/* Where only the proof is lacking nobody waits long for it: a registry that
 * is silent just after a reload is to hold up no image that is known. */
static int64_t
patience(const struct asking *a, int64_t deadline)
{
	const struct client *c = &a->registry->client;
	const struct cache_limits limits = limits_of(a->settings);
	const int64_t soon = client_now(c) + LOAD_PROOF_MS;

	return soon < deadline && cache_lacks_proof(c->cache, a->key, &limits)
		   ? soon
		   : deadline;
}

/* NULL when memory is out. It frees the asking in the end. */
static struct job *
job_of(struct asking *a, const struct reference *ref,
    const struct platform_set *platforms, int64_t deadline)
{
	AUTO(image_set_unref)
	struct image_set *known =
	    cache_known(a->registry->client.cache, a->key);

	return job_new(&(struct job_request){
	    .ref = ref,
	    .platforms = platforms,
	    .known = known,
	    .deadline = patience(a, deadline),
	    .settings = a->settings,
	    .late = late,
	    .done = answered,
	    .arg = a,
	});
}

int
registry_resolve(struct registry *r, const struct reference *ref,
    const struct platform_set *platforms, int64_t deadline, registry_done *done,
    void *arg, struct error *err)
{
	AUTO(asking_free)
	struct asking *a = asking_new(r, ref, platforms, done, arg);
	struct error none = ERROR_INIT;
	enum cache_result result;

	if (a == NULL)
		return error_set(err, ERR_NOMEM, "out of memory for an image");
	result = answer_from_cache(a);
	if (result != CACHE_MISS && result != CACHE_REFRESH)
		return 0;
	a->job = job_of(a, ref, platforms, deadline);
	if (a->job == NULL) {
		error_set(&none, ERR_NOMEM, "out of memory for an image");
		remember(a, NULL, &none); /* or nobody would ask any more */
		return result == CACHE_REFRESH
			   ? 0
			   : error_set(err, none.code, "%s", none.msg);
	}
	enqueue(r, TAKE(a));
	return 0;
}
