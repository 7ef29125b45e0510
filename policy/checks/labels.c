/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/glob.h"

#include <string.h>

/* What an image says of itself in its config's labels. */
struct params {
	struct string_list require;
	struct pair_list match;
};

static const struct check_field fields[] = {
    {.name = "require",
	.check = "labels.require",
	.kind = VALUE_NAMES,
	.at = offsetof(struct params, require),
	.may_be_empty = true,
	.no_excludes = true,
	.about = "Labels that must be there and say something. A glob is "
		 "content with any label whose name matches.",
	.fix = "write LABEL name=\"value\" in the image, or pass --label to "
	       "the build"},
    {.name = "match",
	.check = "labels.match",
	.kind = VALUE_PAIRS,
	.at = offsetof(struct params, match),
	.about = "Labels with a glob each that their value must match; * "
		 "stays between slashes, ** does not. A label that is not "
		 "there does not match.",
	.fix = "write a LABEL with a value as the policy wants it"},
    {.name = NULL},
};

enum { FIELD_REQUIRE, FIELD_MATCH };
enum { LISTED_MAX = 3, SHOWN_MAX = 128 };

/* The value, or NULL. The last of a name counts, as in JSON. */
static const char *
find(const struct pair_list *labels, const char *name)
{
	size_t i;

	for (i = labels->n; i > 0; i--)
		if (strcmp(labels->items[i - 1].key, name) == 0)
			return labels->items[i - 1].value;
	return NULL;
}

static bool
has(const struct pair_list *labels, const char *glob)
{
	size_t i;

	for (i = 0; i < labels->n; i++)
		if (labels->items[i].value[0] != '\0' &&
		    glob_match(glob, labels->items[i].key))
			return true;
	return false;
}

static int
judge_require(
    const struct params *p, const struct subject *s, struct findings *out)
{
	struct breach br = {
	    .field = &fields[FIELD_REQUIRE], .actual = "missing"};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;
	size_t i, n = 0;

	for (i = 0; i < p->require.n; i++) {
		if (has(&s->image->labels, p->require.items[i]))
			continue;
		if (++n <= LISTED_MAX)
			buf_printf(&t.limit, "%s%.*s", n > 1 ? ", " : "",
			    SHOWN_MAX, p->require.items[i]);
	}
	if (n == 0)
		return 0;
	if (n > LISTED_MAX)
		buf_printf(&t.limit, " and %zu more", n - LISTED_MAX);
	buf_printf(&t.message, "lacks the label%s %s", n == 1 ? "" : "s",
	    buf_text(&t.limit));
	br.weight = (int64_t)n;
	return findings_add_text(out, &br, &t);
}

static int
judge_match(const struct pair *wanted, const struct subject *s, size_t nth,
    struct findings *out)
{
	const char *value = find(&s->image->labels, wanted->key);
	struct breach br = {.field = &fields[FIELD_MATCH],
	    .actual = value == NULL ? "missing" : value,
	    .limit = wanted->value,
	    .weight = -(int64_t)nth,
	    .detail = wanted->key};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	if (value != NULL && glob_match(wanted->value, value))
		return 0;
	if (value == NULL)
		buf_printf(&t.message,
		    "lacks the label %.*s, which must be %.*s", SHOWN_MAX,
		    wanted->key, SHOWN_MAX, wanted->value);
	else
		buf_printf(&t.message, "label %.*s is \"%.*s\", not %.*s",
		    SHOWN_MAX, wanted->key, SHOWN_MAX, value, SHOWN_MAX,
		    wanted->value);
	return findings_add_text(out, &br, &t);
}

static int
evaluate_labels(
    const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	size_t i;

	if (judge_require(p, s, out) != 0)
		return -1;
	for (i = 0; i < p->match.n; i++)
		if (judge_match(&p->match.items[i], s, i, out) != 0)
			return -1;
	return 0;
}

const struct check_key check_key_labels = {
    .name = "labels",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .about = "Labels tie an image to its source, its team and its licence: "
	     "whoever finds it running at night needs them.",
    .example = "{require: [org.opencontainers.image.source]}",
    .paste =
	"# Dockerfile\n"
	"ARG REVISION\n"
	"LABEL org.opencontainers.image.source=https://git.example/shop/web \\\n"
	"      org.opencontainers.image.revision=$REVISION\n",
    .blind = "Whether it is true: labels are what the author says, and "
	     "those of the base are inherited.",
    .evaluate = evaluate_labels,
};
