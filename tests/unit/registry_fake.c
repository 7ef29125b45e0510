/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/registry_fake.h"

#include "policy/base/arena.h"
#include "policy/base/document.h"
#include "server/registry/resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

enum {
	SEEN_MAX = 1024 * 1024,
	START_MS = 1000000,
	STEPS_MAX = 100000,
	PLATFORMS_MAX = 16,
};

struct transfer {
	struct fake_answer *answer;
	size_t body_max;
	transfer_done *done;
	void *arg;
};

static struct fake *
of_transport(struct transport *t)
{
	return (struct fake *)(void *)t;
}

static struct fake *
of_clock(const struct clock *c)
{
	return (struct fake *)((uintptr_t)c - offsetof(struct fake, clock));
}

static int64_t
monotonic(const struct clock *c)
{
	return of_clock(c)->now;
}

static int64_t
wall(const struct clock *c)
{
	return of_clock(c)->wall;
}

static const char *
header(const struct http_request *rq, const char *name)
{
	const char *const *h;

	for (h = rq->headers; h != NULL && *h != NULL; h++)
		if (strncmp(*h, name, strlen(name)) == 0)
			return *h + strlen(name);
	return NULL;
}

static bool
fits(const struct fake_answer *a, const char *line, const char *auth)
{
	if (a->used && !a->always)
		return false;
	if (strcmp(a->url,
		strncmp(line, "GET ", 4) == 0 && strncmp(a->url, "GET ", 4) != 0
		    ? line + 4
		    : line) != 0)
		return false;
	if (a->any_auth)
		return true;
	return auth == NULL || a->auth == NULL ? auth == a->auth
					       : strcmp(auth, a->auth) == 0;
}

static struct fake_answer *
find_answer(struct fake *f, const char *line, const char *auth)
{
	for (int i = 0; i < f->nanswers; i++)
		if (fits(&f->answers[i], line, auth))
			return &f->answers[i];
	return NULL;
}

static struct transfer *
start(struct transport *t, const struct http_request *rq, transfer_done *done,
    void *arg, struct error *err)
{
	static const char *const methods[] = {"GET", "HEAD", "POST"};
	struct fake *f = of_transport(t);
	const char *auth = header(rq, "Authorization: ");
	struct transfer *x = calloc(1, sizeof(*x));
	char line[4096];

	if (x == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	snprintf(line, sizeof(line), "%s %s%s%s", methods[rq->method], rq->url,
	    rq->body == NULL ? "" : " ", rq->body == NULL ? "" : rq->body);
	buf_printf(&f->seen, "%s%s%s%s\n", line, auth == NULL ? "" : " [",
	    auth == NULL ? "" : auth, auth == NULL ? "" : "]");
	f->requests++;
	x->answer = find_answer(f, line, auth);
	if (x->answer != NULL)
		x->answer->used = true;
	x->body_max = rq->body_max;
	x->done = done;
	x->arg = arg;
	if (f->nrunning == FAKE_RUNNING_MAX)
		fail_msg("too many requests");
	f->running[f->nrunning++] = x;
	return x;
}

static void
forget(struct fake *f, int i)
{
	f->nrunning--;
	memmove(&f->running[i], &f->running[i + 1],
	    (size_t)(f->nrunning - i) * sizeof(*f->running));
}

static void
cancel(struct transport *t, struct transfer *x)
{
	struct fake *f = of_transport(t);

	for (int i = 0; i < f->nrunning; i++) {
		if (f->running[i] == x) {
			forget(f, i);
			free(x);
			return;
		}
	}
	fail_msg("cancels what does not run");
}

static void
answer(struct transfer *x)
{
	const struct fake_answer *a = x->answer;
	const char *challenges[2] = {a->challenge, a->challenge2};
	struct http_answer h = {
	    .may_retry = a->may_retry,
	    .status = a->status == 0 ? 200 : a->status,
	    .body = a->body == NULL ? "" : a->body,
	    .content_type = a->type,
	    .location = a->location,
	    .digest = a->digest,
	    .retry_after = a->retry_after,
	    .challenges = challenges,
	    .nchallenges = (size_t)(a->challenge != NULL) +
			   (size_t)(a->challenge2 != NULL),
	};

	h.len = a->len == 0 ? strlen(h.body) : a->len;
	if (a->err != ERR_NONE)
		error_set(&h.err, a->err, "it is so");
	else if (h.len > x->body_max)
		error_set(&h.err, ERR_LIMIT, "too many bytes");
	if (h.err.code != ERR_NONE && a->status == 0)
		h.status = 0;
	x->done(x->arg, &h);
}

/* One transfer ends, or the time passes. */
static void
poll_fake(struct transport *t, int ms)
{
	struct fake *f = of_transport(t);
	struct transfer *x;

	for (int i = 0; i < f->nrunning; i++) {
		x = f->running[i];
		if (x->answer == NULL)
			continue; /* never answered */
		forget(f, i);
		answer(x);
		free(x);
		return;
	}
	f->now += ms;
}

static void
ignore(struct transport *t)
{
	(void)t;
}

static struct registry_settings *
settings(const char *config)
{
	AUTO(document_stream_free) struct document_stream *s = NULL;
	AUTO(document_free) struct document *doc = NULL;
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(buf_clear) struct buf report = BUF_INIT(SEEN_MAX);
	struct registry_settings *out;
	struct error err = ERROR_INIT;
	struct node root = {0};
	struct mark at;

	diagnostics_init(&d, "config");
	if (config != NULL) {
		s = document_stream_new(config, strlen(config), &err);
		if (s == NULL || document_next(s, &doc, &at, &err) != 1)
			fail_msg("%s", err.msg);
		root = document_node(doc);
	}
	out = registry_settings_parse(&root, &d, NULL);
	if (out == NULL) {
		diagnostics_print(&d, &report);
		fail_msg("%s", buf_text(&report));
	}
	return out;
}

void
fake_init(struct fake *f, const char *config)
{
	/* By our malloc(), which tests let fail (tests/unit/alloc.h). */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, free, realloc,
		strdup, calloc) != CURLE_OK)
		fail_msg("libcurl cannot be initialised");
	memset(f, 0, sizeof(*f));
	f->transport = (struct transport){.start = start,
	    .cancel = cancel,
	    .poll = poll_fake,
	    .wakeup = ignore,
	    .destroy = ignore};
	f->clock = (struct clock){.monotonic_ms = monotonic, .wall_s = wall};
	f->now = START_MS;
	f->wall = 1800000000;
	client_init(&f->client);
	f->client.clock = &f->clock;
	f->client.transport = &f->transport;
	buf_init(&f->seen, SEEN_MAX);
	f->settings = settings(config);
}

static void
forget_result(struct fake *f)
{
	image_set_unref(f->set);
	f->set = NULL;
	error_clear(&f->err);
	f->done = 0;
}

void
fake_clear(struct fake *f)
{
	job_stop_all(&f->client);
	if (f->nrunning != 0)
		fail_msg("%d transfers are left", f->nrunning);
	client_clear(&f->client);
	if (!TAILQ_EMPTY(&f->client.timers))
		fail_msg("a timer is left");
	if (!LIST_EMPTY(&f->client.loads))
		fail_msg("a load is left");
	forget_result(f);
	buf_clear(&f->seen);
	registry_settings_unref(f->settings);
}

void
fake_add(struct fake *f, struct fake_answer a)
{
	if (f->nanswers == FAKE_ANSWERS_MAX)
		fail_msg("too many answers");
	f->answers[f->nanswers++] = a;
}

void
fake_run(struct fake *f)
{
	int steps = 0;

	while (!LIST_EMPTY(&f->client.jobs) || f->nrunning > 0) {
		if (++steps > STEPS_MAX)
			fail_msg("it does not end");
		client_run(&f->client, 1000);
	}
}

static void
on_late(void *arg, const struct error *err)
{
	struct fake *f = arg;

	f->late = true;
	f->done++;
	f->done_at = f->now;
	f->err = *err;
}

static void
on_done(void *arg, struct image_set *set, bool stale, const struct error *err)
{
	struct fake *f = arg;

	(void)stale;

	if (f->late) {
		f->late = false;
		f->came_late = set != NULL;
		return;
	}
	f->done++;
	f->done_at = f->now;
	image_set_unref(f->set);
	f->set = set == NULL ? NULL : image_set_ref(set);
	if (err != NULL)
		f->err = *err;
	if ((set == NULL) == (err == NULL))
		fail_msg("neither a set nor an error, or both");
}

/* Returns 0, or -1 when memory is out. */
static int
read_platforms(struct platform_set *set, struct platform items[PLATFORMS_MAX],
    const char *text, struct arena *mem)
{
	struct error err = ERROR_INIT;
	char one[64];
	size_t n;

	*set = (struct platform_set){items, 0};
	for (; text != NULL && *text != '\0'; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		snprintf(one, sizeof(one), "%.*s", (int)n, text);
		if (platform_parse(&items[set->n++], one, mem, &err) == 0)
			continue;
		if (err.code != ERR_NOMEM)
			fail_msg("%s", err.msg);
		return -1;
	}
	return 0;
}

void
fake_start(
    struct fake *f, const char *reference, const char *platforms, int64_t ms)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct platform items[PLATFORMS_MAX];
	struct platform_set set;
	struct reference ref;
	struct job *j = NULL;

	if (mem != NULL && reference_parse(&ref, reference, mem, &err) == 0 &&
	    read_platforms(&set, items, platforms, mem) == 0)
		j = job_new(&(struct job_request){
		    .ref = &ref,
		    .platforms = &set,
		    .deadline = f->now + ms,
		    .known = f->known,
		    .settings = f->settings,
		    .late = on_late,
		    .done = on_done,
		    .arg = f,
		});
	forget_result(f);
	if (j == NULL) {
		error_set(&f->err, ERR_NOMEM, "out of memory");
		f->done = 1;
		return;
	}
	job_start(&f->client, j);
}

struct image_set *
fake_resolve(
    struct fake *f, const char *reference, const char *platforms, int64_t ms)
{
	fake_start(f, reference, platforms, ms);
	fake_run(f);
	if (f->done != 1)
		fail_msg("%s: %d answers", reference, f->done);
	return f->set;
}

void
fake_expect_code(const struct fake *f, const char *name, enum err_code code)
{
	if (f->set != NULL || f->err.code != code)
		fail_msg("%s: %s, code %d, expected %d", name,
		    f->set != NULL ? "was resolved" : f->err.msg, f->err.code,
		    code);
}

void
fake_expect_set(const struct fake *f, const char *name, size_t n)
{
	if (f->set == NULL)
		fail_msg("%s: %s", name, f->err.msg);
	if (f->set->n != n)
		fail_msg("%s: %zu images", name, f->set->n);
}

void
fake_expect(
    const struct fake *f, const char *name, enum err_code code, size_t n)
{
	if (code != ERR_NONE)
		fake_expect_code(f, name, code);
	else
		fake_expect_set(f, name, n);
}

void
fake_saw(struct fake *f, const char *name, const char *expected)
{
	if (strcmp(buf_text(&f->seen), expected) != 0)
		fail_msg("%s: expected\n%sbut saw\n%s", name, expected,
		    buf_text(&f->seen));
}

const char *
fake_digest(const char *text)
{
	static char digest[DIGEST_TEXT_MAX];
	struct error err = ERROR_INIT;

	if (digest_of("sha256:", text, strlen(text), digest, &err) != 0)
		fail_msg("%s", err.msg);
	return digest;
}

void
sample_init(
    struct sample *s, const char *base, const char *os, const char *arch)
{
	int n = (int)strcspn(arch, "/");
	const char *variant = arch[n] == '/' ? arch + n + 1 : "";

	snprintf(s->config, sizeof(s->config),
	    "{\"os\":\"%s\",\"architecture\":\"%.*s\",\"variant\":\"%s\","
	    "\"config\":{\"User\":\"1000\"},\"rootfs\":{\"type\":\"layers\","
	    "\"diff_ids\":[\"" SAMPLE_LAYER "\"]},\"history\":["
	    "{\"created_by\":\"COPY a b\"}]}",
	    os, n, arch, variant);
	snprintf(s->config_digest, sizeof(s->config_digest), "%s",
	    fake_digest(s->config));
	snprintf(s->manifest, sizeof(s->manifest),
	    "{\"schemaVersion\":2,\"mediaType\":\"" SAMPLE_TYPE "\","
	    "\"config\":{\"mediaType\":\"" SAMPLE_CONFIG "\","
	    "\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
	    "\"application/vnd.oci.image.layer.v1.tar+gzip\","
	    "\"digest\":\"" SAMPLE_LAYER "\",\"size\":1234}]}",
	    s->config_digest, strlen(s->config));
	snprintf(s->digest, sizeof(s->digest), "%s", fake_digest(s->manifest));
	snprintf(s->entry, sizeof(s->entry),
	    "{\"mediaType\":\"" SAMPLE_TYPE "\",\"digest\":\"%s\","
	    "\"size\":%zu,\"platform\":{\"os\":\"%s\",\"architecture\":"
	    "\"%.*s\",\"variant\":\"%s\"}}",
	    s->digest, strlen(s->manifest), os, n, arch, variant);
	snprintf(s->manifest_url, sizeof(s->manifest_url), "%s/manifests/%s",
	    base, s->digest);
	snprintf(s->config_url, sizeof(s->config_url), "%s/blobs/%s", base,
	    s->config_digest);
}

void
fake_sample(struct fake *f, struct sample *s)
{
	fake_init(f, NULL);
	sample_init(s, "https://r.io/v2/a", "linux", "amd64");
}

void
sample_add(struct fake *f, const struct sample *s)
{
	fake_gives(f, .url = s->manifest_url, .any_auth = true, .always = true,
	    .type = SAMPLE_TYPE, .body = s->manifest);
	fake_gives(f, .url = s->config_url, .any_auth = true, .always = true,
	    .body = s->config);
}
