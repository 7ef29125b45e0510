/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/resolve.h"

#include "policy/base/arena.h"
#include "server/registry/config.h"
#include "server/registry/load.h"

#include <string.h>

/* One thing to load: the reference, or an entry of an index. */
struct node_load {
	struct node_load *next;
	struct job *job;
	struct load_waiter waiter;
	struct content *content;
	const struct index_entry *entry; /* in the parent's content; or NULL */
	const struct node_load *parent;
	int depth; /* of indexes above it */
};

struct job {
	struct job *next;
	struct client *client;
	struct arena *mem;
	struct job_request rq;
	struct reference ref;
	struct platform_set platforms;
	struct timer timer;
	struct node_load *first; /* in the order of the indexes */
	struct node_load *last;
	int pending;
	int manifests;
	int64_t bytes;
};

void
job_free(struct job *j)
{
	struct node_load *n;

	if (j == NULL)
		return;
	for (n = j->first; n != NULL; n = n->next) {
		load_leave(&n->waiter, false);
		content_unref(n->content);
	}
	if (j->client != NULL)
		timer_clear(&j->client->timers, &j->timer);
	registry_settings_unref(j->rq.settings);
	arena_free(j->mem);
}
OWNED(struct job, job_free)

static void
job_unlink(struct job *j)
{
	struct job **p;

	for (p = &j->client->jobs; *p != j; p = &(*p)->next)
		;
	*p = j->next;
}

static void
finish(struct job *j, struct image_set *set, const struct error *err)
{
	registry_done *done = j->rq.done;
	void *arg = j->rq.arg;
	struct error copy = ERROR_INIT;

	if (err != NULL)
		copy = *err;
	job_unlink(j);
	job_free(j);
	done(arg, set, err == NULL ? NULL : &copy);
}

static void
fail(struct job *j, enum err_code code, const char *msg)
{
	struct error err = ERROR_INIT;

	error_set(&err, code, "%s", msg);
	finish(j, NULL, &err);
}

/* Whether a node would pick a platform. What says "unknown" is no program. */
static bool
is_wanted(const struct job *j, const struct platform *p)
{
	return strcmp(p->os, "unknown") != 0 &&
	       platform_set_runs(&j->platforms, p);
}

static void on_load(
    void *arg, struct content *content, const struct error *err);

static int
add_load(struct job *j, const struct node_load *parent,
    const struct index_entry *e, struct error *err)
{
	struct node_load *n = arena_calloc(j->mem, 1, sizeof(*n));
	const struct load_request rq = {
	    .host = j->ref.host,
	    .path = j->ref.path,
	    .tag = e == NULL && j->ref.digest == NULL ? j->ref.tag : NULL,
	    .digest = e == NULL ? j->ref.digest : e->d.digest,
	    .size = e == NULL ? -1 : e->d.size,
	    .settings = j->rq.settings,
	};

	if (n == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	*n = (struct node_load){
	    .job = j,
	    .entry = e,
	    .parent = parent,
	    .depth = parent == NULL ? 0 : parent->depth + 1,
	    .waiter = {.done = on_load, .arg = n, .deadline = j->rq.deadline},
	};
	if (load_join(j->client, &rq, &n->waiter, err) != 0)
		return -1;
	j->pending++;
	if (j->last == NULL)
		j->first = n;
	else
		j->last->next = n;
	j->last = n;
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
	if (e->d.size > RESOLVE_BYTES_MAX - j->bytes)
		return error_set(err, ERR_LIMIT,
		    "the image has more than %d bytes of manifests",
		    RESOLVE_BYTES_MAX);
	j->bytes += e->d.size;
	return 0;
}

static int
expand_index(struct job *j, struct node_load *n, struct error *err)
{
	const struct index_entry *e;
	size_t i;

	for (i = 0; i < n->content->nentries; i++) {
		e = &n->content->entries[i];
		if (e->has_platform && !is_wanted(j, &e->platform))
			continue;
		if (check_entry(j, n, e, err) != 0 ||
		    add_load(j, n, e, err) != 0)
			return -1;
	}
	return 0;
}

/* What came against what the index said of it. */
static int
check_content(const struct node_load *n, struct error *err)
{
	const struct content *c = n->content;

	if (n->entry == NULL)
		return 0;
	if (strcmp(c->media_type, n->entry->d.media_type) != 0)
		return error_set(err, ERR_SYNTAX,
		    "a manifest is of another type than its index says");
	if (c->kind == MANIFEST_IMAGE)
		return config_check_platform(c->image, n->entry, err);
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
		if (n->entry != NULL && !n->entry->has_platform)
			return 0;
		return error_set(
		    err, ERR_UNSUPPORTED, "it is an artifact, not an image");
	case MANIFEST_IMAGE:
		break;
	}
	j->bytes += c->config_bytes;
	if (j->bytes > RESOLVE_BYTES_MAX)
		return error_set(err, ERR_LIMIT,
		    "the image has more than %d bytes of manifests and "
		    "configs",
		    RESOLVE_BYTES_MAX);
	return 0;
}

static int
copy_platform(
    struct platform *to, const struct platform *from, struct arena *mem)
{
	to->os = arena_strdup(mem, from->os);
	to->arch = arena_strdup(mem, from->arch);
	to->variant = arena_strdup(mem, from->variant);
	to->os_version = arena_strdup(mem, from->os_version);
	return to->os == NULL || to->arch == NULL || to->variant == NULL ||
		       to->os_version == NULL
		   ? -1
		   : 0;
}

/* A result while it is put together. */
struct assembly {
	struct image_set *set;
	struct platform *others;
};

static bool
has_image(const struct image_set *set, const struct image *img)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (strcmp(set->images[i]->digest, img->digest) == 0)
			return true;
	return false;
}

static int
add_other(struct assembly *a, const struct platform *p)
{
	size_t i;

	if (strcmp(p->os, "unknown") == 0)
		return 0;
	for (i = 0; i < a->set->nothers; i++)
		if (platform_equal(&a->others[i], p))
			return 0;
	return copy_platform(&a->others[a->set->nothers++], p, a->set->mem);
}

static int
add_image(const struct job *j, struct assembly *a, struct image *img)
{
	if (!is_wanted(j, &img->platform))
		return add_other(a, &img->platform);
	if (!has_image(a->set, img))
		a->set->images[a->set->n++] = image_ref(img);
	return 0;
}

/* The images under one load, in the order of the indexes. */
static int
collect(const struct job *j, struct assembly *a, const struct node_load *n)
{
	const struct content *c = n->content;
	const struct node_load *child;
	size_t i;

	if (c->kind == MANIFEST_IMAGE)
		return add_image(j, a, c->image);
	for (i = 0; i < c->nentries; i++)
		if (c->entries[i].has_platform && !c->entries[i].is_index &&
		    !is_wanted(j, &c->entries[i].platform) &&
		    add_other(a, &c->entries[i].platform) != 0)
			return -1;
	for (child = n->next; child != NULL; child = child->next)
		if (child->parent == n && collect(j, a, child) != 0)
			return -1;
	return 0;
}

static size_t
count_entries(const struct job *j)
{
	const struct node_load *n;
	size_t entries = 1;

	for (n = j->first; n != NULL; n = n->next)
		entries += n->content->nentries;
	return entries;
}

static struct image_set *
assemble(const struct job *j)
{
	AUTO(image_set_unref)
	struct image_set *set = image_set_new();
	struct assembly a = {.set = set};
	size_t n = count_entries(j);

	if (set == NULL)
		return NULL;
	set->digest = arena_strdup(set->mem, j->first->content->digest);
	set->images = arena_calloc(set->mem,
	    n > CHILD_MANIFESTS_MAX ? CHILD_MANIFESTS_MAX : n,
	    sizeof(struct image *));
	a.others = arena_calloc(set->mem, n, sizeof(*a.others));
	set->others = a.others;
	if (set->digest == NULL || set->images == NULL || a.others == NULL ||
	    collect(j, &a, j->first) != 0)
		return NULL;
	return TAKE(set);
}

static void
complete(struct job *j)
{
	AUTO(image_set_unref)
	struct image_set *set = assemble(j);

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
on_load(void *arg, struct content *content, const struct error *err)
{
	struct node_load *n = arg;
	struct job *j = n->job;
	struct error own = ERROR_INIT;

	if (content == NULL) {
		finish(j, NULL, err);
		return;
	}
	n->content = content_ref(content);
	j->pending--;
	if (accept_content(j, n, &own) != 0) {
		error_wrap(&own, "%s", j->ref.host);
		finish(j, NULL, &own);
	} else if (j->pending == 0) {
		complete(j);
	}
}

/* The time is over, which speaks against whom we wait for. */
static void
on_deadline(void *arg)
{
	struct job *j = arg;
	struct error err = ERROR_INIT;
	struct node_load *n;

	for (n = j->first; n != NULL; n = n->next)
		load_leave(&n->waiter, true);
	error_set(&err, ERR_TIMEOUT,
	    "%s did not answer in the time that was left", j->ref.host);
	finish(j, NULL, &err);
}

static int
copy_reference(
    struct reference *to, const struct reference *from, struct arena *mem)
{
	to->host = arena_strdup(mem, from->host);
	to->path = arena_strdup(mem, from->path);
	to->tag = from->tag == NULL ? NULL : arena_strdup(mem, from->tag);
	to->digest =
	    from->digest == NULL ? NULL : arena_strdup(mem, from->digest);
	return to->host == NULL || to->path == NULL ||
		       (from->tag != NULL && to->tag == NULL) ||
		       (from->digest != NULL && to->digest == NULL)
		   ? -1
		   : 0;
}

static int
copy_platforms(struct job *j, const struct platform_set *from)
{
	struct platform *items = arena_calloc(j->mem, from->n, sizeof(*items));
	size_t i;

	if (items == NULL)
		return -1;
	for (i = 0; i < from->n; i++)
		if (copy_platform(&items[i], &from->items[i], j->mem) != 0)
			return -1;
	j->platforms = (struct platform_set){items, from->n};
	return 0;
}

struct job *
job_new(const struct job_request *rq)
{
	AUTO(arena_free)
	struct arena *mem = arena_new();
	AUTO(job_free)
	struct job *j = mem == NULL ? NULL : arena_calloc(mem, 1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->mem = TAKE(mem);
	j->rq = *rq;
	j->rq.settings = registry_settings_ref(rq->settings);
	if (copy_reference(&j->ref, rq->ref, j->mem) != 0 ||
	    copy_platforms(j, rq->platforms) != 0)
		return NULL;
	return TAKE(j);
}

void
job_start(struct client *c, struct job *j)
{
	struct error err = ERROR_INIT;

	j->client = c;
	j->next = c->jobs;
	c->jobs = j;
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
	registry_done *done = j->rq.done;
	void *arg = j->rq.arg;

	error_set(&err, ERR_UNAVAILABLE, "policy-gate is shutting down");
	job_free(j);
	done(arg, NULL, &err);
}

void
job_stop_all(struct client *c)
{
	while (c->jobs != NULL)
		fail(c->jobs, ERR_UNAVAILABLE, "policy-gate is shutting down");
}
