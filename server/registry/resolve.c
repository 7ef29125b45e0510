/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/resolve_state.h"

#include "policy/base/arena.h"
#include "server/registry/cache.h"
#include "server/registry/config.h"

#include <string.h>

void
job_free(struct job *j)
{
	struct node_load *n;

	if (j == NULL)
		return;
	STAILQ_FOREACH (n, &j->nodes, entry) {
		load_leave(&n->waiter, false);
		content_unref(n->content);
	}
	if (j->client != NULL)
		timer_clear(&j->client->timers, &j->timer);
	registry_settings_unref(j->rq.settings);
	image_set_unref(j->rq.known);
	arena_free(j->mem);
}
OWNED(struct job, job_free)

static void
finish(struct job *j, struct image_set *set, const struct error *err)
{
	job_done *done = j->rq.done;
	void *arg = j->rq.arg;
	const struct node_load *first = STAILQ_FIRST(&j->nodes);
	const bool stale =
	    first != NULL && first->content != NULL && first->content->stale;
	struct error copy = ERROR_INIT;

	if (err != NULL)
		copy = *err;
	LIST_REMOVE(j, entry);
	job_free(j);
	done(arg, set, stale, err == NULL ? NULL : &copy);
}

static void
fail(struct job *j, enum err_code code, const char *msg)
{
	struct error err = ERROR_INIT;

	error_set(&err, code, "%s", msg);
	finish(j, NULL, &err);
}

/* What came against what the index said of it. */
static int
check_content(const struct node_load *n, struct error *err)
{
	const struct content *c = n->content;

	if (n->listed == NULL)
		return 0;
	if (strcmp(c->media_type, n->listed->d.media_type) != 0)
		return error_set(err, ERR_SYNTAX,
		    "a manifest is of another type than its index says");
	if (c->kind == MANIFEST_IMAGE)
		return config_check_platform(c->image, n->listed, err);
	return 0;
}

static void on_announce(void *arg, int64_t config_bytes);
static void on_load(
    void *arg, struct content *content, const struct error *err);

static struct node_load *
add_node(
    struct job *j, const struct node_load *parent, const struct index_entry *e)
{
	struct node_load *n = arena_calloc(j->mem, 1, sizeof(*n));

	if (n == NULL)
		return NULL;
	*n = (struct node_load){
	    .job = j,
	    .listed = e,
	    .parent = parent,
	    .depth = parent == NULL ? 0 : parent->depth + 1,
	    .waiter = {.announce = on_announce,
		.done = on_load,
		.arg = n,
		.deadline = j->rq.deadline},
	};
	STAILQ_INSERT_TAIL(&j->nodes, n, entry);
	return n;
}

/* The content of an entry that was read before, in this repository. */
static struct content *
remembered(const struct job *j, const struct index_entry *e)
{
	AUTO(image_unref) struct image *img = NULL;

	if (e == NULL || j->client->cache == NULL)
		return NULL;
	img = cache_image(j->client->cache, e->d.digest, j->repository);
	return img != NULL && img->bytes == e->d.size ? content_of_image(img)
						      : NULL;
}

static int
add_load(struct job *j, const struct node_load *parent,
    const struct index_entry *e, struct error *err)
{
	struct node_load *n = add_node(j, parent, e);
	const struct load_request rq = {
	    .host = j->ref.host,
	    .path = j->ref.path,
	    .tag = e == NULL && j->ref.digest == NULL ? j->ref.tag : NULL,
	    .digest = e == NULL ? j->ref.digest : e->d.digest,
	    .known =
		e == NULL && j->rq.known != NULL ? j->rq.known->digest : NULL,
	    .size = e == NULL ? -1 : e->d.size,
	    .settings = j->rq.settings,
	};

	if (n == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	n->content = remembered(j, e);
	if (n->content != NULL)
		return check_content(n, err);
	if (load_join(j->client, &rq, &n->waiter, err) != 0)
		return -1;
	j->pending++;
	return 0;
}

/* Before they are asked for, as far as they are announced. */
static int
count_bytes(struct job *j, int64_t n, struct error *err)
{
	if (n > RESOLVE_BYTES_MAX - j->bytes)
		return error_set(err, ERR_LIMIT,
		    "the image has more than %d bytes of manifests and "
		    "configs",
		    RESOLVE_BYTES_MAX);
	j->bytes += n;
	return 0;
}

/* Before an entry is asked for: what its index announces. */
static int
check_entry(struct job *j, const struct node_load *parent,
    const struct index_entry *e, struct error *err)
{
	if (e->is_index && parent->depth + 2 > INDEX_DEPTH_MAX)
		return error_set(err, ERR_LIMIT,
		    "the image's indexes are nested more than %d deep",
		    INDEX_DEPTH_MAX);
	if (++j->manifests > CHILD_MANIFESTS_MAX)
		return error_set(err, ERR_LIMIT,
		    "the image leads to more than %d manifests that nodes "
		    "could run",
		    CHILD_MANIFESTS_MAX);
	if (e->d.size > MANIFEST_BYTES_MAX)
		return error_set(err, ERR_LIMIT,
		    "the index announces a manifest of %lld bytes, more than "
		    "%d",
		    (long long)e->d.size, MANIFEST_BYTES_MAX);
	return count_bytes(j, e->d.size, err);
}

static int
expand_index(struct job *j, struct node_load *n, struct error *err)
{
	const struct index_entry *e;
	size_t i;

	for (i = 0; i < n->content->nentries; i++) {
		e = &n->content->entries[i];
		if (e->has_platform && !job_wants(j, &e->platform))
			continue;
		if (check_entry(j, n, e, err) != 0 ||
		    add_load(j, n, e, err) != 0)
			return -1;
	}
	return 0;
}

static int
accept_content(struct job *j, struct node_load *n, struct error *err)
{
	const struct content *c = n->content;

	if (check_content(n, err) != 0)
		return -1;
	switch (c->kind) {
	case MANIFEST_INDEX:
		return expand_index(j, n, err);
	case MANIFEST_ARTIFACT:
		/* An index may hold such things beside images. */
		if (n->listed != NULL && !n->listed->has_platform)
			return 0;
		return error_set(
		    err, ERR_UNSUPPORTED, "it is an artifact, not an image");
	case MANIFEST_IMAGE:
		break;
	}
	return n->counted ? 0 : count_bytes(j, c->config_bytes, err);
}

static void
complete(struct job *j)
{
	AUTO(image_set_unref) struct image_set *set = job_result(j);

	if (set == NULL)
		fail(j, ERR_NOMEM, "out of memory for an image");
	else if (set->n == 0)
		fail(j, ERR_NO_PLATFORM,
		    "there is nothing in it for a platform that the cluster's "
		    "nodes have");
	else
		finish(j, set, NULL);
}

static void
refuse(struct job *j, struct error *err)
{
	error_wrap(err, "%s", j->ref.host);
	finish(j, NULL, err);
}

static void
on_announce(void *arg, int64_t config_bytes)
{
	struct node_load *n = arg;
	struct error err = ERROR_INIT;

	n->counted = true;
	if (count_bytes(n->job, config_bytes, &err) != 0)
		refuse(n->job, &err);
}

static void
on_load(void *arg, struct content *content, const struct error *err)
{
	struct node_load *n = arg;
	struct job *j = n->job;
	AUTO(image_set_unref) struct image_set *known = NULL;
	struct error own = ERROR_INIT;

	if (content == NULL) {
		if (err == NULL)
			known = TAKE(j->rq.known);
		finish(j, known, err);
		return;
	}
	n->content = content_ref(content);
	j->pending--;
	if (accept_content(j, n, &own) != 0) {
		refuse(j, &own);
	} else if (j->pending == 0) {
		complete(j);
	}
}

static void
set_timeout(struct error *err, const struct job *j)
{
	error_set(err, ERR_TIMEOUT,
	    "%s did not answer in the time that was left", j->ref.host);
}

/* The time is over, which speaks against whom we wait for. */
static void
give_up(struct job *j)
{
	struct error err = ERROR_INIT;
	struct node_load *n;

	STAILQ_FOREACH (n, &j->nodes, entry)
		load_leave(&n->waiter, true);
	set_timeout(&err, j);
	finish(j, NULL, &err);
}

static bool
is_shared(const struct job *j)
{
	const struct node_load *n;

	STAILQ_FOREACH (n, &j->nodes, entry)
		if (load_is_shared(&n->waiter))
			return true;
	return false;
}

/* Whether so much is under way that nobody is waited for any longer who may be
 * anybody. */
static bool
is_crowded(const struct job *j)
{
	const struct job *other;
	size_t n = 0;

	if (registry_settings_find(j->rq.settings, j->ref.host) != NULL)
		return false;
	LIST_FOREACH (other, &j->client->jobs, entry)
		if (++n > RESOLVE_LATE_MAX)
			return true;
	return false;
}

static void
on_deadline(void *arg)
{
	struct job *j = arg;
	struct error err = ERROR_INIT;
	struct node_load *n;

	if (j->late || is_shared(j) || is_crowded(j)) {
		give_up(j);
		return;
	}
	j->late = true;
	j->rq.deadline += RESOLVE_LATE_MS;
	STAILQ_FOREACH (n, &j->nodes, entry)
		load_extend(&n->waiter, j->rq.deadline);
	timer_set(&j->client->timers, &j->timer, j->rq.deadline);
	set_timeout(&err, j);
	j->rq.late(j->rq.arg, &err);
}

static int
copy_reference(
    struct reference *to, const struct reference *from, struct arena *mem)
{
	bool failed = false;

	to->host = arena_copy(mem, from->host, &failed);
	to->path = arena_copy(mem, from->path, &failed);
	to->tag = arena_copy(mem, from->tag, &failed);
	to->digest = arena_copy(mem, from->digest, &failed);
	return failed ? -1 : 0;
}

static int
copy_platforms(struct job *j, const struct platform_set *from)
{
	struct platform *items = arena_calloc(j->mem, from->n, sizeof(*items));
	size_t i;

	if (items == NULL)
		return -1;
	for (i = 0; i < from->n; i++)
		if (platform_copy(&items[i], &from->items[i], j->mem) != 0)
			return -1;
	j->platforms = (struct platform_set){items, from->n};
	return 0;
}

struct job *
job_new(const struct job_request *rq)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	AUTO(job_free)
	struct job *j = mem == NULL ? NULL : arena_calloc(mem, 1, sizeof(*j));

	if (j == NULL)
		return NULL;
	STAILQ_INIT(&j->nodes);
	j->mem = TAKE(mem);
	j->rq = *rq;
	j->rq.settings = registry_settings_ref(rq->settings);
	j->rq.known = rq->known != NULL ? image_set_ref(rq->known) : NULL;
	j->repository =
	    arena_printf(j->mem, "%s/%s", rq->ref->host, rq->ref->path);
	if (j->repository == NULL ||
	    copy_reference(&j->ref, rq->ref, j->mem) != 0 ||
	    copy_platforms(j, rq->platforms) != 0)
		return NULL;
	return TAKE(j);
}

void
job_start(struct client *c, struct job *j)
{
	struct error err = ERROR_INIT;

	j->client = c;
	LIST_INSERT_HEAD(&c->jobs, j, entry);
	j->timer.fire = on_deadline;
	j->timer.arg = j;
	timer_set(&c->timers, &j->timer, j->rq.deadline);
	if (add_load(j, NULL, NULL, &err) != 0)
		finish(j, NULL, &err);
}

void
job_refuse(struct job *j)
{
	struct error err = ERROR_INIT;
	job_done *done = j->rq.done;
	void *arg = j->rq.arg;

	error_set(&err, ERR_UNAVAILABLE, "policy-gate is shutting down");
	job_free(j);
	done(arg, NULL, false, &err);
}

void
job_stop_all(struct client *c)
{
	struct job *j;

	while ((j = LIST_FIRST(&c->jobs)) != NULL)
		fail(j, ERR_UNAVAILABLE, "policy-gate is shutting down");
}
