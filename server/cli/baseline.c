/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/baseline.h"

#include "policy/base/file.h"
#include "policy/base/text.h"
#include "policy/base/tree.h"
#include "server/cli/formats.h"

#include <string.h>

struct known {
	const char *fingerprint; /* in the tree */
	bool seen;
};

struct baseline {
	json_t *tree;
	struct arena *mem;
	struct known *items; /* sorted */
	size_t n;
	size_t matched; /* findings */
};

void
baseline_free(struct baseline *b)
{
	if (b == NULL)
		return;
	json_decref(b->tree);
	free(b->items);
	arena_free(b->mem);
	free(b);
}

static int
by_fingerprint(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return strcmp(x->fingerprint, y->fingerprint);
}

static int
take_findings(struct baseline *b, struct error *err)
{
	const json_t *list = json_object_get(b->tree, "findings");
	size_t i;

	if (json_integer_value(json_object_get(b->tree, "version")) != 1 ||
	    !json_is_array(list))
		return error_set(err, ERR_SYNTAX,
		    "it is no baseline, which has \"version\": 1 and "
		    "\"findings\"");
	b->n = json_array_size(list);
	if (b->n > BASELINE_FINDINGS_MAX)
		return error_set(err, ERR_LIMIT, "it has more than %d findings",
		    BASELINE_FINDINGS_MAX);
	b->items = calloc(b->n + 1, sizeof(*b->items));
	if (b->items == NULL)
		return error_set(err, ERR_NOMEM, "a baseline");
	for (i = 0; i < b->n; i++) {
		b->items[i].fingerprint = json_string_value(
		    json_object_get(json_array_get(list, i), "fingerprint"));
		if (b->items[i].fingerprint == NULL)
			return error_set(err, ERR_SYNTAX,
			    "findings[%zu] has no fingerprint", i);
	}
	qsort(b->items, b->n, sizeof(*b->items), by_fingerprint);
	return 0;
}

struct baseline *
baseline_read(const char *path, struct error *err)
{
	AUTO(baseline_free) struct baseline *b = calloc(1, sizeof(*b));
	AUTO(free) char *text = NULL;
	json_error_t why;
	size_t len;

	if (b == NULL || (b->mem = arena_new()) == NULL) {
		error_set(err, ERR_NOMEM, "a baseline");
		return NULL;
	}
	text = file_read(path, BASELINE_BYTES_MAX, &len, err);
	if (text == NULL)
		return NULL;
	b->tree = tree_parse(text, len, JSON_REJECT_DUPLICATES, &why);
	if (b->tree == NULL) {
		error_set(err, ERR_SYNTAX,
		    "%s:%d:%d: it is no baseline, which \"baseline write\" "
		    "makes: not valid JSON",
		    path, why.line, why.column);
		return NULL;
	}
	if (take_findings(b, err) != 0) {
		error_wrap(err, "%s", path);
		return NULL;
	}
	return TAKE(b);
}

static struct known *
find(const struct baseline *b, const char *fingerprint)
{
	const struct known key = {.fingerprint = fingerprint};

	return bsearch(&key, b->items, b->n, sizeof(*b->items), by_fingerprint);
}

/* The image with the findings that are not known. */
static int
filter_image(
    struct baseline *b, const struct complaint *of, struct report_image *out)
{
	struct complaint c = *of;
	char fingerprint[DIGEST_TEXT_MAX];
	struct finding *left;
	size_t i;

	left = arena_calloc(b->mem, c.image->nfindings, sizeof(*left));
	if (left == NULL)
		return -1;
	*out = *c.image;
	out->findings = left;
	out->nfindings = 0;
	for (i = 0; i < c.image->nfindings; i++) {
		struct known *k;

		c.finding = &c.image->findings[i];
		if (complaint_fingerprint(&c, fingerprint) != 0)
			return -1;
		k = find(b, fingerprint);
		if (k != NULL) {
			k->seen = true;
			b->matched++;
		} else {
			left[out->nfindings++] = *c.finding;
		}
	}
	if (out->judged)
		out->verdict = report_image_verdict(out);
	return 0;
}

static const struct report *
filter(struct baseline *b, const struct results *r, const struct report *from)
{
	struct complaint c = {.results = r, .report = from};
	struct report *out = arena_calloc(b->mem, 1, sizeof(*out));
	struct report_image *images =
	    arena_calloc(b->mem, from->nimages, sizeof(*images));
	size_t i;

	if (out == NULL || images == NULL)
		return NULL;
	*out = *from;
	out->images = images;
	out->verdict = VERDICT_ALLOW;
	for (i = 0; i < from->nimages; i++) {
		c.image = &from->images[i];
		if (filter_image(b, &c, &images[i]) != 0)
			return NULL;
		out->verdict = output_worse(out->verdict, images[i].verdict);
	}
	return out;
}

int
baseline_apply(struct baseline *b, struct results *r)
{
	const struct report **reports =
	    arena_calloc(b->mem, r->n + 1, sizeof(const struct report *));
	size_t i;

	if (reports == NULL)
		return -1;
	r->verdict = VERDICT_ALLOW;
	for (i = 0; i < r->n; i++) {
		reports[i] = filter(b, r, r->reports[i]);
		if (reports[i] == NULL)
			return -1;
		r->verdict = output_worse(r->verdict, reports[i]->verdict);
	}
	r->reports = reports;
	return 0;
}

void
baseline_tell(const struct baseline *b, FILE *out)
{
	size_t i, gone = 0;

	for (i = 0; i < b->n; i++)
		gone += !b->items[i].seen;
	fprintf(out, "%zu finding%s of the baseline left out", b->matched,
	    b->matched == 1 ? "" : "s");
	if (gone > 0)
		fprintf(out, "; %zu in it %s gone: write it anew", gone,
		    gone == 1 ? "is" : "are");
	fputc('\n', out);
}

/* Findings while they are written, each once. */
struct writing {
	json_t *list;
	json_t *seen;
};

static json_t *
safe(const char *s)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);

	return text_sanitise(&b, s, COMPLAINT_TEXT_MAX) == 0
		   ? json_string(buf_text(&b))
		   : NULL;
}

static int
write_one(void *arg, const struct complaint *c)
{
	const struct workload *w = c->report->plan->workload;
	struct writing *o = arg;
	char fingerprint[DIGEST_TEXT_MAX];

	/* What could not be judged is nothing to get used to. */
	if (c->finding == NULL)
		return 0;
	if (complaint_fingerprint(c, fingerprint) != 0)
		return -1;
	if (json_object_get(o->seen, fingerprint) != NULL)
		return 0;
	if (json_object_set_new(o->seen, fingerprint, json_true()) != 0)
		return -1;
	return json_array_append_new(o->list,
	    json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "fingerprint",
		fingerprint, "rule", complaint_rule(c), "check",
		complaint_check(c), "message", c->finding->message, "image",
		safe(c->image->container->image), "kind", safe(w->kind), "name",
		safe(w->name)));
}

int
output_baseline(const void *results, FILE *out)
{
	const struct results *r = results;
	AUTO(json_decref) json_t *list = json_array();
	AUTO(json_decref) json_t *seen = json_object();
	struct writing o = {list, seen};

	if (output_each(r, write_one, &o) != 0)
		return -1;
	return formats_json(json_pack("{s:i, s:s, s:O}", "version", 1, "policy",
				r->policy->name, "findings", list),
	    out);
}
