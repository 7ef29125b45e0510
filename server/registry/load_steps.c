/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/base64.h"
#include "policy/reference.h"
#include "server/registry/cache.h"
#include "server/registry/config.h"
#include "server/registry/load_state.h"

#include <string.h>

/* A message of the layers below gets the registry's name before it. */
static void
fail_named(struct load *l, struct error *err)
{
	error_wrap(err, "%s", l->rq.host);
	load_finish(l, NULL, err);
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
	const char *wanted = l->moved != NULL ? l->moved : l->rq.digest;

	if (header != NULL && !reference_is_digest(header))
		header = NULL; /* many registries send none, some nonsense */
	if (wanted != NULL) {
		if (verify(wanted, a->body, a->len, "manifest", err) != 0)
			return -1;
		memcpy(l->digest, wanted, strlen(wanted) + 1);
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

static void
release_share(void *share)
{
	budget_release(share);
}

/* Until nobody has the image any more. */
static int
hold_image(struct load *l, struct image *img, struct error *err)
{
	struct budget_share *share = arena_calloc(img->mem, 1, sizeof(*share));

	if (share == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	img->released = release_share;
	img->released_arg = share;
	return budget_hold(l->client->budget, share, arena_size(img->mem), err);
}

static struct content *
read_config(struct load *l, const char *data, size_t len, struct error *err)
{
	const struct descriptor *d = &l->manifest.config;
	AUTO(image_unref) struct image *img = NULL;
	struct content *c;

	if ((int64_t)len != d->size) {
		error_set(err, ERR_SIZE,
		    "the config has %zu bytes, its manifest says %lld", len,
		    (long long)d->size);
		return NULL;
	}
	if (verify(d->digest, data, len, "config", err) != 0)
		return NULL;
	img = config_read(&l->manifest, l->digest, data, len, err);
	if (img == NULL || hold_image(l, img, err) != 0)
		return NULL;
	load_to_disk(l, d->digest, NULL, data, len);
	c = content_of_image(img);
	if (c == NULL)
		error_set(err, ERR_NOMEM, "out of memory");
	else
		c->config_bytes = d->size;
	return c;
}

static void
got_config(struct load *l, const char *data, size_t len)
{
	struct error err = ERROR_INIT;
	AUTO(content_unref) struct content *c = read_config(l, data, len, &err);

	if (c == NULL)
		fail_named(l, &err);
	else
		load_finish(l, c, NULL);
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
	load_finish(l, NULL, &err);
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

/* What the disk has is not fetched; but HEAD asks the registry. */
static int
start_fetch(struct load *l, const struct fetch_request *wanted,
    fetch_done *done, struct error *err)
{
	struct fetch_request rq = *wanted;

	if (!rq.head && !rq.by_tag && load_from_disk(l, rq.what, done))
		return 0;
	rq.host = l->rq.host;
	rq.path = l->rq.path;
	rq.settings = l->rq.settings;
	l->fetch = fetch_start(l->client, &rq, &l->deadline, done, l, err);
	return l->fetch == NULL ? -1 : 0;
}

/* A small config may stand in its descriptor, and saves a request. */
static bool
use_embedded(struct load *l)
{
	const struct descriptor *d = &l->manifest.config;
	AUTO(buf_clear) struct buf data = BUF_INIT(CONFIG_BYTES_MAX);

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
	if (use_embedded(l) || !load_tell(l, d->size))
		return;
	if (start_fetch(l,
		&(struct fetch_request){.kind = FETCH_BLOB,
		    .what = d->digest,
		    .max = (size_t)d->size},
		on_config, &err) != 0)
		fail_named(l, &err);
}

/* An index, or an artifact. */
static struct content *
other_content(struct load *l, struct error *err)
{
	const struct manifest *m = &l->manifest;
	struct content *c = content_new(m->kind, l->digest, m->media_type);

	if (c == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
	} else if (m->kind == MANIFEST_INDEX) {
		c->entries = m->entries;
		c->nentries = m->nentries;
		c->entries_mem = TAKE(l->parsed);
		budget_pass(&l->share, &c->share);
	}
	return c;
}

/* Whether the digest is of an image that has been read before; `repository` as
 * cache_image() has it. Ends the load. */
static bool
is_remembered(struct load *l, const char *digest, const char *repository)
{
	AUTO(image_unref)
	struct image *img =
	    l->client->cache == NULL
		? NULL
		: cache_image(l->client->cache, digest, repository);
	AUTO(content_unref)
	struct content *c = img == NULL ? NULL : content_of_image(img);

	if (c == NULL)
		return false;
	load_finish(l, c, NULL);
	return true;
}

static int
parse(struct load *l, const struct http_answer *a, struct error *err)
{
	if (manifest_parse(&l->manifest, a->body, a->len, a->content_type,
		l->parsed, err) != 0)
		return -1;
	return budget_hold(
	    l->client->budget, &l->share, arena_size(l->parsed), err);
}

static int
read_manifest(struct load *l, const struct http_answer *a, struct error *err)
{
	struct error old = ERROR_INIT;

	if (l->rq.size >= 0 && (int64_t)a->len != l->rq.size)
		return error_set(err, ERR_SIZE,
		    "a manifest has %zu bytes, its index says %lld", a->len,
		    (long long)l->rq.size);
	if (settle_digest(l, a, err) == 0)
		return parse(l, a, err);
	/* The digest of a signed schema 1 manifest is of what was signed, not
	 * of its bytes: refused either way, but by its right name. */
	if (err->code == ERR_DIGEST && manifest_is_schema1(a->content_type) &&
	    parse(l, a, &old) != 0 && old.code == ERR_UNSUPPORTED)
		*err = old;
	return -1;
}

static bool
is_known(const struct load *l, const char *digest)
{
	return l->rq.known != NULL && strcmp(digest, l->rq.known) == 0;
}

static void
got_manifest(struct load *l, const struct http_answer *a)
{
	AUTO(content_unref) struct content *c = NULL;
	struct error err = ERROR_INIT;

	if (read_manifest(l, a, &err) != 0) {
		fail_named(l, &err);
		return;
	}
	load_to_disk(l, l->digest, a->content_type, a->body, a->len);
	load_tag_to_disk(l, l->digest);
	if (is_known(l, l->digest)) {
		load_finish(l, NULL, NULL);
		return;
	}
	if (l->manifest.kind == MANIFEST_IMAGE) {
		/* Who has shown the bytes may have what they stand for. */
		if (!is_remembered(l, l->digest, NULL))
			get_config(l);
		return;
	}
	c = other_content(l, &err);
	if (c == NULL)
		fail_named(l, &err);
	else
		load_finish(l, c, NULL);
}

static void get_manifest(struct load *l);

static void
no_manifest(struct load *l, const struct error *cause)
{
	struct error err = *cause;

	/* Some name other digests in HEAD than they hold manifests by. */
	if (l->moved != NULL && err.code == ERR_NOT_FOUND) {
		l->moved = NULL;
		get_manifest(l);
		return;
	}
	if (err.code == ERR_LIMIT && l->rq.size >= 0) {
		error_clear(&err);
		error_set(&err, ERR_SIZE,
		    "%s sends a manifest of more than the %lld bytes that its "
		    "index says",
		    l->rq.host, (long long)l->rq.size);
	}
	load_finish(l, NULL, &err);
}

static void
on_manifest(void *arg, const struct http_answer *a, const struct error *err)
{
	struct load *l = arg;

	l->fetch = NULL;
	if (a != NULL)
		got_manifest(l, a);
	else
		no_manifest(l, err);
}

static int
ask_manifest(struct load *l, bool head, fetch_done *done, struct error *err)
{
	const char *digest = l->moved != NULL ? l->moved : l->rq.digest;
	size_t max = l->rq.size >= 0 && l->rq.size < MANIFEST_BYTES_MAX
			 ? (size_t)l->rq.size
			 : MANIFEST_BYTES_MAX;

	return start_fetch(l,
	    &(struct fetch_request){.kind = FETCH_MANIFEST,
		.head = head,
		.what = digest != NULL ? digest : l->rq.tag,
		.by_tag = digest == NULL,
		.max = max},
	    done, err);
}

static void
get_manifest(struct load *l)
{
	struct error err = ERROR_INIT;

	if (ask_manifest(l, false, on_manifest, &err) != 0)
		fail_named(l, &err);
}

/* The digest only chooses among what has been verified, or is verified with
 * what it leads to. */
static void
got_digest(struct load *l, const char *digest)
{
	if (digest != NULL && !reference_is_digest(digest))
		digest = NULL;
	if (digest == NULL && l->rq.digest != NULL)
		digest = l->rq.digest; /* it is there, that suffices */
	if (digest != NULL)
		load_tag_to_disk(l, digest);
	if (digest != NULL && is_known(l, digest)) {
		load_finish(l, NULL, NULL);
		return;
	}
	if (digest != NULL && l->rq.digest == NULL) {
		if (is_remembered(l, digest, l->repository))
			return;
		l->moved = arena_strdup(l->mem, digest);
	}
	get_manifest(l);
}

/* Where it cannot be asked, what it was has to do: from memory, which is up to
 * who asked, or from the disk. */
static void
no_digest(struct load *l, const struct error *err)
{
	if (l->rq.known != NULL || !cache_is_outage(err->code) ||
	    !load_disk_will_do(l)) {
		load_finish(l, NULL, err);
		return;
	}
	l->stale = true;
	if (l->rq.digest == NULL)
		l->moved = l->stored;
	get_manifest(l);
}

static void
on_head(void *arg, const struct http_answer *a, const struct error *err)
{
	struct load *l = arg;

	l->fetch = NULL;
	timer_clear(&l->client->timers, &l->timer);
	if (a == NULL)
		no_digest(l, err);
	else if (a->len > 0) /* it knows no HEAD */
		got_manifest(l, a);
	else
		got_digest(l, a->digest);
}

static void
on_silence(void *arg)
{
	struct load *l = arg;
	struct error err = ERROR_INIT;

	/* A second alone does not speak against the registry. */
	fetch_cancel(l->fetch, false);
	l->fetch = NULL;
	error_set(&err, ERR_TIMEOUT, "%s is silent", l->rq.host);
	no_digest(l, &err);
}

/* Not until the last moment, when nobody waits any more for what is read from
 * the disk. */
static void
be_patient(struct load *l)
{
	int64_t now = client_now(l->client), left = l->deadline - now;

	l->timer.fire = on_silence;
	l->timer.arg = l;
	timer_set(&l->client->timers, &l->timer,
	    now + (left / 2 < LOAD_PROOF_MS ? left / 2 : LOAD_PROOF_MS));
}

int
load_begin(struct load *l, struct error *err)
{
	const bool stored = l->rq.known == NULL && load_was_on_disk(l);
	const bool head = stored || l->rq.known != NULL;

	if (ask_manifest(l, head, head ? on_head : on_manifest, err) != 0)
		return -1;
	if (stored && load_disk_will_do(l))
		be_patient(l);
	return 0;
}
