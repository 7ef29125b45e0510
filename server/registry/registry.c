/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/registry.h"

#include "server/registry/client.h"
#include "server/registry/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

enum { IDLE_MS = 60 * 1000 };

/* A call on its way to the thread. */
struct call {
	struct call *next;
	struct job *job;
};

struct registry {
	struct client client; /* the thread's */
	pthread_t thread;
	pthread_mutex_t mutex; /* over what follows */
	bool stop;
	struct call *first;
	struct call *last;
	struct registry_settings *settings; /* for new calls */
};

static struct call *
take_calls(struct registry *r, bool *stop)
{
	struct call *all;

	pthread_mutex_lock(&r->mutex);
	all = r->first;
	r->first = r->last = NULL;
	*stop = r->stop;
	pthread_mutex_unlock(&r->mutex);
	return all;
}

static void
start_calls(struct registry *r, struct call *all, bool stop)
{
	struct call *next;

	for (; all != NULL; all = next) {
		next = all->next;
		if (stop)
			job_refuse(all->job);
		else
			job_start(&r->client, all->job);
		free(all);
	}
}

static void *
run(void *arg)
{
	struct registry *r = arg;
	bool stop = false;

	while (!stop) {
		start_calls(r, take_calls(r, &stop), stop);
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
	r->client.clock = o->clock;
	r->client.observer = o->observer;
	r->client.guard = o->guard_addresses;
	r->client.transport = transport_curl_new(o->clock, err);
	if (r->client.transport == NULL) {
		free(r);
		return NULL;
	}
	r->settings = registry_settings_ref(settings);
	pthread_mutex_init(&r->mutex, NULL);
	rc = start_thread(r);
	if (rc != 0) {
		error_set(err, ERR_SYSTEM,
		    "the registry thread cannot start: %s", strerror(rc));
		pthread_mutex_destroy(&r->mutex);
		registry_settings_unref(r->settings);
		r->client.transport->destroy(r->client.transport);
		free(r);
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
	/* What came while the last jobs were ended. */
	start_calls(r, take_calls(r, &stop), true);
	client_clear(&r->client);
	r->client.transport->destroy(r->client.transport);
	registry_settings_unref(r->settings);
	pthread_mutex_destroy(&r->mutex);
	free(r);
}

void
registry_set_settings(struct registry *r, struct registry_settings *s)
{
	struct registry_settings *old;

	pthread_mutex_lock(&r->mutex);
	old = r->settings;
	r->settings = registry_settings_ref(s);
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
enqueue(struct registry *r, struct call *c)
{
	pthread_mutex_lock(&r->mutex);
	if (r->last == NULL)
		r->first = c;
	else
		r->last->next = c;
	r->last = c;
	pthread_mutex_unlock(&r->mutex);
	r->client.transport->wakeup(r->client.transport);
}

int
registry_resolve(struct registry *r, const struct reference *ref,
    const struct platform_set *platforms, int64_t deadline, registry_done *done,
    void *arg, struct error *err)
{
	AUTO(registry_settings_unref)
	struct registry_settings *s = current_settings(r);
	struct call *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->job = job_new(&(struct job_request){
		    .ref = ref,
		    .platforms = platforms,
		    .deadline = deadline,
		    .settings = s,
		    .done = done,
		    .arg = arg,
		});
	if (c == NULL || c->job == NULL) {
		free(c);
		return error_set(err, ERR_NOMEM, "out of memory for an image");
	}
	enqueue(r, c);
	return 0;
}
