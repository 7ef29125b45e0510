/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/judge.h"

#include "policy/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CONTAINERS_MAX = 8, TEXT_MAX = 16 * 1024 };

static const char *
digest_of(struct arena *mem, char fill)
{
	char hex[65];

	memset(hex, fill, 64);
	hex[64] = '\0';
	return arena_printf(mem, "sha256:%s", hex);
}

static void
fill_layers(struct image *img, const struct judge_image *from)
{
	const char *letters = from->layers ? from->layers : "a";
	const size_t n = strlen(letters);
	struct layer *layers = arena_calloc(img->mem, n + 1, sizeof(*layers));
	struct history *history =
	    arena_calloc(img->mem, n + 1, sizeof(*history));
	const char **ids = arena_calloc(img->mem, n + 1, sizeof(*ids));
	size_t i;

	for (i = 0; i < n; i++) {
		ids[i] = digest_of(img->mem, letters[i]);
		layers[i] = (struct layer){.digest = ids[i],
		    .media_type = "application/vnd.oci.image.layer.v1.tar",
		    .size = from->sizes[i]};
		history[i] = (struct history){
		    .created_by = from->by[i] ? from->by[i] : "",
		    .comment = "",
		    .layer = (int)i};
		img->size += from->sizes[i];
	}
	img->layers = layers;
	img->history = history;
	img->nlayers = img->nhistory = n;
	img->history_state = HISTORY_RELIABLE;
	img->diff_ids = (struct string_list){.items = ids, .n = n};
}

static struct string_list
words_of(struct arena *mem, const char *const words[JUDGE_WORDS_MAX])
{
	const char **items = arena_calloc(mem, JUDGE_WORDS_MAX, sizeof(*items));
	size_t n = 0;

	for (; n < JUDGE_WORDS_MAX && words[n] != NULL; n++)
		items[n] = words[n];
	return (struct string_list){.items = items, .n = n};
}

static void
fill_labels(struct image *img, const struct judge_image *from)
{
	struct pair *pairs =
	    arena_calloc(img->mem, JUDGE_WORDS_MAX, sizeof(*pairs));
	const char *eq;
	size_t n = 0;

	for (; n < JUDGE_WORDS_MAX && from->labels[n] != NULL; n++) {
		eq = strchr(from->labels[n], '=');
		assert_non_null(eq);
		pairs[n].key = arena_strndup(
		    img->mem, from->labels[n], (size_t)(eq - from->labels[n]));
		pairs[n].value = eq + 1;
	}
	img->labels = (struct pair_list){.items = pairs, .n = n};
}

static void
fill_config(struct image *img, const struct judge_image *from)
{
	const char *const entrypoint[JUDGE_WORDS_MAX] = {from->entrypoint};
	const char *const cmd[JUDGE_WORDS_MAX] = {from->cmd};

	img->env = words_of(img->mem, from->env);
	img->ports = words_of(img->mem, from->ports);
	img->volumes = words_of(img->mem, from->volumes);
	img->entrypoint = words_of(img->mem, entrypoint);
	img->cmd = words_of(img->mem, cmd);
	img->has_created = from->created != 0;
	img->created = from->created;
	fill_labels(img, from);
}

static void
fill_claims(struct image *img, const struct judge_image *from)
{
	struct pair *claims = arena_calloc(img->mem, 2, sizeof(*claims));
	size_t n = 0;

	if (from->claims != NULL)
		claims[n++] = (struct pair){
		    "org.opencontainers.image.base.name", from->claims};
	if (from->claims_digest != NULL)
		claims[n++] =
		    (struct pair){"org.opencontainers.image.base.digest",
			from->claims_digest};
	img->annotations = (struct pair_list){claims, n};
}

static struct image *
image_of(const struct judge_image *from)
{
	struct image *img = image_new(0);
	struct error err = ERROR_INIT;

	assert_non_null(img);
	assert_int_equal(platform_parse(&img->platform,
			     from->platform ? from->platform : "linux/amd64",
			     img->mem, &err),
	    0);
	fill_layers(img, from);
	img->digest = digest_of(img->mem, 'f');
	img->config_digest = digest_of(img->mem, 'e');
	img->user = from->user ? from->user : "";
	fill_claims(img, from);
	fill_config(img, from);
	if (from->unreliable)
		img->history_state = HISTORY_UNRELIABLE;
	if (from->no_history) {
		img->history_state = HISTORY_ABSENT;
		img->nhistory = 0;
	}
	assert_int_equal(history_scan(img), 0);
	return img;
}

static void
fill_others(struct image_set *set, const struct judge_image *first)
{
	struct platform *others =
	    arena_calloc(set->mem, JUDGE_WORDS_MAX, sizeof(*others));
	struct error err = ERROR_INIT;
	size_t n = 0;

	for (; n < JUDGE_WORDS_MAX && first->others[n] != NULL; n++)
		assert_int_equal(platform_parse(&others[n], first->others[n],
				     set->mem, &err),
		    0);
	set->others = others;
	set->nothers = n;
}

struct image_set *
judge_set(const struct judge_image *images, size_t n)
{
	struct image_set *set = image_set_new(0);
	size_t i;

	assert_non_null(set);
	set->images = arena_calloc(set->mem, n, sizeof(struct image *));
	for (i = 0; i < n; i++)
		set->images[i] = image_of(&images[i]);
	set->n = n;
	set->digest = n == 1 && images[0].lone
			  ? arena_strdup(set->mem, set->images[0]->digest)
			  : digest_of(set->mem, 'd');
	fill_others(set, images);
	return set;
}

struct document *
judge_document(const char *text, size_t len)
{
	AUTO(document_stream_free) struct document_stream *stream = NULL;
	struct document *doc = NULL;
	struct error err = ERROR_INIT;
	struct mark at;

	stream = document_stream_new(text, len, &err);
	assert_non_null(stream);
	if (document_next(stream, &doc, &at, &err) != 1)
		fail_msg("%s\n%.*s", err.msg, (int)len, text);
	return doc;
}

struct ruleset *
judge_read(const char *text, size_t len, struct buf *said)
{
	AUTO(document_free) struct document *doc = judge_document(text, len);
	AUTO(diagnostics_clear) struct diagnostics d;
	struct ruleset *rs;

	diagnostics_init(&d, "p.yaml");
	rs = ruleset_parse(doc, &d);
	assert_int_equal(rs == NULL, d.errors > 0);
	assert_int_equal(diagnostics_print(&d, said), 0);
	return rs;
}

void
judge_read_each(const struct judge_said *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		AUTO(buf_clear) struct buf said = BUF_INIT(TEXT_MAX);
		AUTO(ruleset_unref) struct ruleset *rs = NULL;

		rs = judge_read(rows[i].text, strlen(rows[i].text), &said);
		judge_same(rows[i].text, buf_text(&said), rows[i].wanted);
	}
}

struct ruleset *
judge_policy(const char *text)
{
	AUTO(buf_clear) struct buf said = BUF_INIT(TEXT_MAX);
	struct ruleset *rs = judge_read(text, strlen(text), &said);

	if (rs == NULL)
		fail_msg("%s%s", buf_text(&said), text);
	return rs;
}

struct container *
judge_add(
    struct judge *j, const char *name, const char *path, const char *image)
{
	struct container *c = &j->w->containers[j->w->ncontainers++];

	assert_true(j->w->ncontainers <= CONTAINERS_MAX);
	*c = (struct container){.type = CONTAINER_REGULAR,
	    .name = name,
	    .path = path,
	    .image = image};
	return c;
}

void
judge_open(struct judge *j, const char *policy, const char *image)
{
	*j = (struct judge){.rules = judge_policy(policy)};
	j->w = workload_new();
	assert_non_null(j->w);
	j->w->kind = "Pod";
	j->w->namespace = "shop";
	j->w->name = "web-1";
	j->w->containers =
	    arena_calloc(j->w->mem, CONTAINERS_MAX, sizeof(*j->w->containers));
	judge_add(j, "web", "spec.containers[0].image", image);
}

void
judge_plan(struct judge *j)
{
	struct error err = ERROR_INIT;

	j->plan = plan_new(j->rules, j->w, JUDGE_NOW, &err);
	assert_non_null(j->plan);
}

void
judge_facts(
    struct judge *j, size_t i, const struct judge_image *images, size_t n)
{
	assert_true(j->plan->images[i].fetch);
	image_set_unref(j->plan->images[i].facts);
	j->plan->images[i].facts = judge_set(images, n);
}

void
judge_base(
    struct judge *j, size_t i, const struct judge_image *images, size_t n)
{
	assert_true(j->plan->bases[i].fetch);
	j->plan->bases[i].facts = judge_set(images, n);
}

void
judge_evaluate(struct judge *j)
{
	struct error err = ERROR_INIT;

	j->report = evaluate(j->plan, &err);
	assert_non_null(j->report);
}

void
judge_close(struct judge *j)
{
	plan_free(j->plan);
	workload_free(j->w);
	ruleset_unref(j->rules);
	*j = (struct judge){.rules = NULL};
}

void
judge_say(const struct judge *j, size_t i, struct buf *b)
{
	const struct report_image *img = &j->report->images[i];
	size_t k;

	buf_puts(b, verdict_name(img->verdict));
	for (k = 0; k < img->nfindings; k++) {
		const struct finding *f = &img->findings[k];

		buf_printf(b, "%s%s%s%s %s>%s", k == 0 ? " " : "; ", f->check,
		    f->platform[0] != '\0' ? "@" : "", f->platform, f->actual,
		    f->limit);
	}
	if (img->fault.code != NULL)
		buf_printf(b, " %s", img->fault.code);
}

void
judge_same(const char *name, const char *got, const char *wanted)
{
	if (strcmp(got, wanted) != 0)
		fail_msg("%s:\n  got     %s\n  wanted  %s", name, got, wanted);
}

void
judge_expect(const struct judge *j, const char *name, const char *wanted)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);

	judge_say(j, 0, &b);
	judge_same(name, buf_text(&b), wanted);
}
