/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/load.h"

#include "certs/digest.h"
#include "policy/base/arena.h"
#include "policy/base/base64.h"
#include "policy/reference.h"
#include "server/registry/config.h"
#include "server/registry/fetch.h"

#include <string.h>

struct load {
	struct load *next;
	struct client *client;
	struct arena *mem;
	struct load_request rq;
	char *key;
	struct load_waiter *waiters;
	bool telling;
	int64_t deadline; /* the latest of the waiters' */
	struct fetch *fetch;
	/* Once there: */
	struct manifest manifest;
	struct arena *parsed;         /* what it stands in */
	char digest[DIGEST_TEXT_MAX]; /* of the manifest */
};

static void
load_free(struct load *l)
{
	if (l == NULL)
		return;
	if (l->fetch != NULL)
		fetch_cancel(l->fetch, false);
	registry_settings_unref(l->rq.settings);
	arena_free(l->mem);
	arena_free(l->parsed);
	free(l->key);
	free(l);
}
OWNED(struct load, load_free)

static void
load_unlink(struct load *l)
{
	struct load **p;

	for (p = &l->client->loads; *p != l; p = &(*p)->next)
		;
	*p = l->next;
	l->next = NULL;
}

/* Ends it. What a waiter does may make others leave: it is kept until all
 * know. */
static void
finish(struct load *l, struct content *content, const struct error *err)
{
	struct load_waiter *w;

	load_unlink(l);
	l->telling = true;
	while ((w = l->waiters) != NULL) {
		l->waiters = w->next;
		w->next = NULL;
		w->load = NULL;
		w->done(w->arg, content, err);
	}
	load_free(l);
}

static void
fail(struct load *l, struct error *err)
{
	finish(l, NULL, err);
}

/* A message of the layers below gets the registry's name before it. */
static void
fail_named(struct load *l, struct error *err)
{
	error_wrap(err, "%s", l->rq.host);
	finish(l, NULL, err);
}

static int
verify(const char *digest, const void *data, size_t len, const char *what,
    struct error *err)
{
	char actual[DIGEST_TEXT_MAX];

	if (digest_of(digest, data, len, actual, err) != 0)
		return -1;
	if (strcmp(actual, digest) != 0)
		return error_set(err, ERR_DIGEST,
		    "the %s that was sent does not have the digest that was "
		    "asked for",
		    what);
	return 0;
}

/*
 * The digest that the manifest is known by: what was asked for, else what the
 * registry says, else sha256. Whichever it is, the bytes have it.
 */
static int
settle_digest(struct load *l, const struct http_answer *a, struct error *err)
{
	const char *header = a->digest;

	if (header != NULL && !reference_is_digest(header))
		header = NULL; /* many registries send none, some nonsense */
	if (l->rq.digest != NULL) {
		if (verify(l->rq.digest, a->body, a->len, "manifest", err) != 0)
			return -1;
		memcpy(l->digest, l->rq.digest, strlen(l->rq.digest) + 1);
	} else if (header == NULL) {
		return digest_of("sha256:", a->body, a->len, l->digest, err);
	} else {
		memcpy(l->digest, header, strlen(header) + 1);
	}
	if (header != NULL &&
	    verify(header, a->body, a->len, "manifest", err) != 0)
		return -1;
	return 0;
}

static struct content *
make_content(struct load *l, struct error *err)
{
	struct content *c = content_new();

	if (c == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	c->kind = l->manifest.kind;
	c->bytes = (int64_t)l->manifest.bytes;
	c->config_bytes = l->manifest.config.size;
	c->digest = arena_strdup(c->mem, l->digest);
	c->media_type = arena_strdup(c->mem, l->manifest.media_type);
	if (c->digest == NULL || c->media_type == NULL) {
		content_unref(c);
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	return c;
}

static void
got_config(struct load *l, const char *data, size_t len)
{
	AUTO(content_unref)
	struct content *c = NULL;
	struct error err = ERROR_INIT;

	if ((int64_t)len != l->manifest.config.size)
		error_set(&err, ERR_SIZE,
		    "the config has %zu bytes, its manifest says %lld", len,
		    (long long)l->manifest.config.size);
	if (err.code != ERR_NONE ||
	    verify(l->manifest.config.digest, data, len, "config", &err) != 0 ||
	    (c = make_content(l, &err)) == NULL ||
	    (c->image = config_read(
		 &l->manifest, l->digest, data, len, &err)) == NULL) {
		fail_named(l, &err);
		return;
	}
	finish(l, c, NULL);
}

/* An answer longer than announced was cut off by the bound. */
static void
fail_config(struct load *l, const struct error *cause)
{
	struct error err = *cause;

	if (err.code == ERR_LIMIT) {
		error_clear(&err);
		error_set(&err, ERR_SIZE,
		    "%s sends a config of more than the %lld bytes that its "
		    "manifest says",
		    l->rq.host, (long long)l->manifest.config.size);
	}
	fail(l, &err);
}

static void
on_config(void *arg, const struct http_answer *a, const struct error *err)
{
	struct load *l = arg;

	l->fetch = NULL;
	if (a == NULL)
		fail_config(l, err);
	else
		got_config(l, a->body, a->len);
}

static int
start_fetch(struct load *l, enum fetch_kind kind, const char *what, size_t max,
    fetch_done *done, struct error *err)
{
	const struct fetch_request rq = {
	    .kind = kind,
	    .host = l->rq.host,
	    .path = l->rq.path,
	    .what = what,
	    .by_tag = kind == FETCH_MANIFEST && l->rq.tag != NULL,
	    .max = max,
	    .settings = l->rq.settings,
	};

	l->fetch = fetch_start(l->client, &rq, &l->deadline, done, l, err);
	return l->fetch == NULL ? -1 : 0;
}

/* A small config may stand in its descriptor, and saves a request. */
static bool
use_embedded(struct load *l)
{
	const struct descriptor *d = &l->manifest.config;
	AUTO(buf_clear)
	struct buf data;

	buf_init(&data, CONFIG_BYTES_MAX);
	if (d->data == NULL ||
	    base64_decode(&data, d->data, strlen(d->data)) != 0 ||
	    (int64_t)data.len != d->size)
		return false;
	got_config(l, buf_text(&data), data.len);
	return true;
}

static void
get_config(struct load *l)
{
	const struct descriptor *d = &l->manifest.config;
	struct error err = ERROR_INIT;

	if (d->size > CONFIG_BYTES_MAX) {
		error_set(&err, ERR_LIMIT,
		    "the config is announced with %lld bytes, more than %d",
		    (long long)d->size, CONFIG_BYTES_MAX);
		fail_named(l, &err);
		return;
	}
	if (use_embedded(l))
		return;
	if (start_fetch(l, FETCH_BLOB, d->digest, (size_t)d->size, on_config,
		&err) != 0)
		fail_named(l, &err);
}

/* An index, or an artifact. */
static struct content *
other_content(struct load *l, struct error *err)
{
	struct content *c = make_content(l, err);

	if (c != NULL && l->manifest.kind == MANIFEST_INDEX) {
		c->entries = l->manifest.entries;
		c->nentries = l->manifest.nentries;
		c->entries_mem = TAKE(l->parsed);
	}
	return c;
}

static int
read_manifest(struct load *l, const struct http_answer *a, struct error *err)
{
	if (l->rq.size >= 0 && (int64_t)a->len != l->rq.size)
		return error_set(err, ERR_SIZE,
		    "a manifest has %zu bytes, its index says %lld", a->len,
		    (long long)l->rq.size);
	if (settle_digest(l, a, err) != 0)
		return -1;
	return manifest_parse(
	    &l->manifest, a->body, a->len, a->content_type, l->parsed, err);
}

static void
got_manifest(struct load *l, const struct http_answer *a)
{
	AUTO(content_unref)
	struct content *c = NULL;
	struct error err = ERROR_INIT;

	if (read_manifest(l, a, &err) != 0) {
		fail_named(l, &err);
		return;
	}
	if (l->manifest.kind == MANIFEST_IMAGE) {
		get_config(l);
		return;
	}
	c = other_content(l, &err);
	if (c == NULL)
		fail_named(l, &err);
	else
		finish(l, c, NULL);
}

static void
on_manifest(void *arg, const struct http_answer *a, const struct error *err)
{
	struct load *l = arg;
	struct error copy = ERROR_INIT;

	l->fetch = NULL;
	if (a != NULL) {
		got_manifest(l, a);
		return;
	}
	copy = *err;
	if (copy.code == ERR_LIMIT && l->rq.size >= 0) {
		error_clear(&copy);
		error_set(&copy, ERR_SIZE,
		    "%s sends a manifest of more than the %lld bytes that its "
		    "index says",
		    l->rq.host, (long long)l->rq.size);
	}
	fail(l, &copy);
}

static char *
make_key(const struct load_request *rq)
{
	char *key = NULL;

	/* Settings decide whom to ask, and with what. */
	if (asprintf(&key, "%p %s/%s%c%s %lld", (void *)rq->settings, rq->host,
		rq->path, rq->tag != NULL ? ':' : '@',
		rq->tag != NULL ? rq->tag : rq->digest,
		(long long)rq->size) < 0)
		return NULL;
	return key;
}

static const char *
copy_text(struct arena *mem, const char *s, bool *failed)
{
	char *out = s == NULL ? NULL : arena_strdup(mem, s);

	*failed |= s != NULL && out == NULL;
	return out;
}

static struct load *
load_new(struct client *c, const struct load_request *rq)
{
	AUTO(load_free)
	struct load *l = calloc(1, sizeof(*l));
	bool failed = false;

	if (l == NULL)
		return NULL;
	l->client = c;
	l->rq = *rq;
	l->rq.settings = registry_settings_ref(rq->settings);
	l->key = make_key(rq);
	l->mem = arena_new();
	l->parsed = arena_new();
	if (l->key == NULL || l->mem == NULL || l->parsed == NULL)
		return NULL;
	l->rq.host = copy_text(l->mem, rq->host, &failed);
	l->rq.path = copy_text(l->mem, rq->path, &failed);
	l->rq.tag = copy_text(l->mem, rq->tag, &failed);
	l->rq.digest = copy_text(l->mem, rq->digest, &failed);
	return failed ? NULL : TAKE(l);
}

static struct load *
find(struct client *c, const char *key)
{
	struct load *l;

	for (l = c->loads; l != NULL; l = l->next)
		if (strcmp(l->key, key) == 0)
			return l;
	return NULL;
}

static struct load *
load_start(struct client *c, const struct load_request *rq, struct error *err)
{
	size_t max = rq->size >= 0 && rq->size < MANIFEST_BYTES_MAX
			 ? (size_t)rq->size
			 : MANIFEST_BYTES_MAX;
	AUTO(load_free)
	struct load *l = load_new(c, rq);

	if (l == NULL) {
		error_set(err, ERR_NOMEM, "out of memory for an image");
		return NULL;
	}
	if (start_fetch(l, FETCH_MANIFEST,
		l->rq.tag != NULL ? l->rq.tag : l->rq.digest, max, on_manifest,
		err) != 0)
		return NULL;
	l->next = c->loads;
	c->loads = l;
	return TAKE(l);
}

int
load_join(struct client *c, const struct load_request *rq,
    struct load_waiter *w, struct error *err)
{
	AUTO(free)
	char *key = make_key(rq);
	struct load *l = NULL;

	if (key != NULL)
		l = find(c, key);
	if (l == NULL)
		l = load_start(c, rq, err);
	if (l == NULL)
		return -1;
	if (w->deadline > l->deadline)
		l->deadline = w->deadline;
	w->load = l;
	w->next = l->waiters;
	l->waiters = w;
	return 0;
}

void
load_leave(struct load_waiter *w, bool timed_out)
{
	struct load *l = w->load;
	struct load_waiter **p;

	if (l == NULL)
		return;
	for (p = &l->waiters; *p != w; p = &(*p)->next)
		;
	*p = w->next;
	w->next = NULL;
	w->load = NULL;
	if (l->waiters != NULL || l->telling)
		return;
	load_unlink(l);
	if (l->fetch != NULL)
		fetch_cancel(l->fetch, timed_out);
	l->fetch = NULL;
	load_free(l);
}
