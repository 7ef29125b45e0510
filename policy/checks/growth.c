/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/base/units.h"
#include "policy/instruction.h"

#include <string.h>

/*
 * How much an image grew against the one that it replaces. Where nothing is
 * replaced, or the old image is not to be had any more, nothing grew.
 */
struct params {
	int max; /* tenths of a percent */
	int64_t over;
};

static const struct check_field fields[] = {
    {.name = "max",
	.check = "growth.max",
	.kind = VALUE_PERCENT,
	.at = offsetof(struct params, max),
	.about = "The most that an image may grow against the one that it "
		 "replaces, such as 10%. Where `over` is given too, both are "
		 "to be exceeded.",
	.fix =
	    "compare both with policy-gate diff OLD NEW, and leave out what was added"},
    {.name = "over",
	.check = "growth.over",
	.kind = VALUE_SIZE,
	.at = offsetof(struct params, over),
	.about = "The growth in bytes below which nothing is said, such as "
		 "10Mi: small images grow by many percent for little.",
	.fix =
	    "compare both with policy-gate diff OLD NEW, and leave out what was added"},
    {.name = NULL},
};

enum { FIELD_MAX, FIELD_OVER };
enum { SHOWN_MAX = 80, PERMILLE = 1000, TENTHS = 10 };

/* The old image for the same platform, or NULL. */
static const struct image *
predecessor(const struct subject *s)
{
	size_t i;

	for (i = 0; s->replaced != NULL && i < s->replaced->n; i++)
		if (platform_succeeds(
			&s->replaced->images[i]->platform, &s->image->platform))
			return s->replaced->images[i];
	return NULL;
}

/* Written without a product, which might not fit. */
static bool
is_over_percent(int64_t old, int64_t grown, int permille)
{
	return old == 0 || (double)grown * PERMILLE > (double)old * permille;
}

static bool
has_layer(const struct image *img, const char *digest)
{
	size_t i;

	for (i = 0; i < img->nlayers; i++)
		if (strcmp(img->layers[i].digest, digest) == 0)
			return true;
	return false;
}

/* The largest layer that the old image does not have. */
static void
say_evidence(struct buf *b, const struct image *img, const struct image *old)
{
	const char *text;
	size_t i, top = img->nlayers;

	for (i = 0; i < img->nlayers; i++)
		if (!has_layer(old, img->layers[i].digest) &&
		    (top == img->nlayers ||
			img->layers[i].size > img->layers[top].size))
			top = i;
	if (top == img->nlayers)
		return;
	units_add_size(b, img->layers[top].size);
	buf_printf(
	    b, " are in layer %zu of %zu, which is new", top + 1, img->nlayers);
	text = image_layer_instruction(img, top);
	if (text == NULL || text[0] == '\0')
		return;
	buf_puts(b, ", \"");
	instruction_add(b, text, SHOWN_MAX);
	buf_puts(b, "\"");
}

static void
say_limit(struct buf *b, const struct params *p)
{
	if (p->max % TENTHS != 0)
		buf_printf(b, "%d.%d %%", p->max / TENTHS, p->max % TENTHS);
	else if (p->max != 0)
		buf_printf(b, "%d %%", p->max / TENTHS);
	if (p->max != 0 && p->over != 0)
		buf_puts(b, " and ");
	if (p->over != 0)
		units_add_size(b, p->over);
}

static int
add(struct findings *out, const struct params *p, const struct image *img,
    const struct image *old)
{
	struct breach br = {.weight = img->size - old->size,
	    .field = &fields[p->max != 0 ? FIELD_MAX : FIELD_OVER]};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	units_add_size(&t.actual, br.weight);
	if (old->size > 0)
		buf_printf(&t.actual, " (%.0f %%)",
		    (double)br.weight * 100 / (double)old->size);
	say_limit(&t.limit, p);
	buf_printf(&t.message,
	    "grew by %s against the image it replaces, over %s",
	    buf_text(&t.actual), buf_text(&t.limit));
	say_evidence(&t.evidence, img, old);
	return findings_add_text(out, &br, &t);
}

static int
evaluate_growth(
    const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	const struct image *old = predecessor(s);
	int64_t grown;

	if (old == NULL || s->image->size <= old->size)
		return 0;
	grown = s->image->size - old->size;
	if ((p->over != 0 && grown <= p->over) ||
	    (p->max != 0 && !is_over_percent(old->size, grown, p->max)))
		return 0;
	return add(out, p, s->image, old);
}

const struct check_key check_key_growth = {
    .name = "growth",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .compares = true,
    .about =
	"Images grow a little with every release, and nobody decides on "
	"it. On an update the new image is held against the one that stood "
	"in the same container, on the command line against that of "
	"`check --against`. An old image that cannot be had is no finding.",
    .example = "{max: 10%, over: 10Mi}",
    .paste =
	"# In CI, before it is pushed:\n"
	"policy-gate diff registry.corp/web:1.3 oci:build/web --max-growth 10%\n",
    .blind = "Growth in small steps, each below the limit, and what stood "
	     "there before in a place where nobody said so.",
    .evaluate = evaluate_growth,
};
