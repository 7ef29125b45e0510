/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/load.h"

#include "policy/base/arena.h"
#include "server/registry/load_state.h"

#include <string.h>

static void
load_free(struct load *l)
{
	if (l == NULL)
		return;
	if (l->fetch != NULL)
		fetch_cancel(l->fetch, false);
	timer_clear(&l->client->timers, &l->timer);
	buf_clear(&l->body);
	registry_settings_unref(l->rq.settings);
	arena_free(l->mem);
	arena_free(l->parsed);
	budget_release(&l->share);
	free(l->key);
	free(l->repository);
	free(l);
}
OWNED(struct load, load_free)

/* Ends it. What a waiter does may make others leave: it is kept until all
 * know. */
void
load_finish(struct load *l, struct content *content, const struct error *err)
{
	struct load_waiter *w;

	LIST_REMOVE(l, entry);
	if (content != NULL)
		content->stale = l->stale;
	l->telling = true;
	while ((w = LIST_FIRST(&l->waiters)) != NULL) {
		LIST_REMOVE(w, entry);
		w->load = NULL;
		w->done(w->arg, content, err);
	}
	load_free(l);
}

static struct load_waiter *
first_untold(const struct load *l)
{
	struct load_waiter *w;

	LIST_FOREACH (w, &l->waiters, entry)
		if (!w->told)
			break;
	return w;
}

bool
load_tell(struct load *l, int64_t config_bytes)
{
	struct load_waiter *w;

	l->telling = true;
	while ((w = first_untold(l)) != NULL) {
		w->told = true;
		w->announce(w->arg, config_bytes);
	}
	l->telling = false;
	if (!LIST_EMPTY(&l->waiters))
		return true;
	LIST_REMOVE(l, entry);
	load_free(l);
	return false;
}

static char *
make_key(const struct load_request *rq)
{
	char *key = NULL;

	/* Settings decide whom to ask, and with what. */
	if (asprintf(&key, "%p %s/%s%c%s %lld %s", (void *)rq->settings,
		rq->host, rq->path, rq->tag != NULL ? ':' : '@',
		rq->tag != NULL ? rq->tag : rq->digest, (long long)rq->size,
		rq->known != NULL ? rq->known : "") < 0)
		return NULL;
	return key;
}

static struct load *
load_new(struct client *c, const struct load_request *rq)
{
	AUTO(load_free) struct load *l = calloc(1, sizeof(*l));
	bool failed = false;

	if (l == NULL)
		return NULL;
	l->client = c;
	buf_init(&l->body, STORE_DOCUMENT_MAX);
	l->rq = *rq;
	l->rq.settings = registry_settings_ref(rq->settings);
	l->key = make_key(rq);
	if (asprintf(&l->repository, "%s/%s", rq->host, rq->path) < 0)
		l->repository = NULL;
	l->mem = arena_new();
	l->parsed = arena_new();
	if (l->key == NULL || l->repository == NULL || l->mem == NULL ||
	    l->parsed == NULL)
		return NULL;
	l->rq.host = arena_copy(l->mem, rq->host, &failed);
	l->rq.path = arena_copy(l->mem, rq->path, &failed);
	l->rq.tag = arena_copy(l->mem, rq->tag, &failed);
	l->rq.digest = arena_copy(l->mem, rq->digest, &failed);
	l->rq.known = arena_copy(l->mem, rq->known, &failed);
	return failed ? NULL : TAKE(l);
}

static struct load *
find(struct client *c, const char *key)
{
	struct load *l;

	LIST_FOREACH (l, &c->loads, entry)
		if (strcmp(l->key, key) == 0)
			return l;
	return NULL;
}

static struct load *
load_start(struct client *c, const struct load_request *rq, int64_t deadline,
    struct error *err)
{
	AUTO(load_free) struct load *l = load_new(c, rq);

	if (l == NULL) {
		error_set(err, ERR_NOMEM, "out of memory for an image");
		return NULL;
	}
	l->deadline = deadline;
	if (load_begin(l, err) != 0)
		return NULL;
	LIST_INSERT_HEAD(&c->loads, l, entry);
	return TAKE(l);
}

int
load_join(struct client *c, const struct load_request *rq,
    struct load_waiter *w, struct error *err)
{
	AUTO(free) char *key = make_key(rq);
	struct load *l = NULL;

	if (key != NULL)
		l = find(c, key);
	if (l == NULL)
		l = load_start(c, rq, w->deadline, err);
	if (l == NULL)
		return -1;
	w->load = l;
	load_extend(w, w->deadline);
	LIST_INSERT_HEAD(&l->waiters, w, entry);
	return 0;
}

void
load_extend(struct load_waiter *w, int64_t deadline)
{
	w->deadline = deadline;
	if (w->load != NULL && w->load->deadline < deadline)
		w->load->deadline = deadline;
}

bool
load_is_shared(const struct load_waiter *w)
{
	return w->load != NULL && (LIST_FIRST(&w->load->waiters) != w ||
				      LIST_NEXT(w, entry) != NULL);
}

void
load_leave(struct load_waiter *w, bool timed_out)
{
	struct load *l = w->load;

	if (l == NULL)
		return;
	LIST_REMOVE(w, entry);
	w->load = NULL;
	if (!LIST_EMPTY(&l->waiters) || l->telling)
		return;
	LIST_REMOVE(l, entry);
	if (l->fetch != NULL)
		fetch_cancel(l->fetch, timed_out);
	l->fetch = NULL;
	load_free(l);
}
