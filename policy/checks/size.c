/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/base/units.h"
#include "policy/bases.h"
#include "policy/instruction.h"

/*
 * How much a node pulls: compressed bytes of the layers, each distinct one
 * once. What the manifest and the config weigh is left out.
 */
struct params {
	int64_t max;
	int64_t max_layer;
	int64_t max_above;
};

static const struct check_field fields[] = {
    {.name = "max",
	.check = "size.max",
	.kind = VALUE_SIZE,
	.at = offsetof(struct params, max),
	.about = "The most that all layers may weigh together, compressed, "
		 "as a node pulls them; a layer that comes twice counts once.",
	.fix = "build in a separate stage and copy only the result"},
    {.name = "maxLayer",
	.check = "size.maxLayer",
	.kind = VALUE_SIZE,
	.at = offsetof(struct params, max_layer),
	.about = "The most that one layer may weigh: layers are pulled side "
		 "by side, and the largest is waited for.",
	.fix = "build in a separate stage and copy only the result"},
    {.name = "maxAboveBase",
	.check = "size.maxAboveBase",
	.kind = VALUE_SIZE,
	.at = offsetof(struct params, max_above),
	.about = "The most that the layers above the base may weigh together. "
		 "The base is the one with the most layers of those that any "
		 "rule lists under `base`; where none of them lies beneath, "
		 "all of the image counts.",
	.fix = "build in a separate stage and copy only the result"},
    {.name = NULL},
};

enum { FIELD_MAX, FIELD_MAX_LAYER, FIELD_MAX_ABOVE };
enum {
	INSTRUCTION_MAX = 80,
	/* Besides the largest layer: those of a tenth of the size or more. */
	OTHERS_MAX = 2,
	OTHER_INSTRUCTION_MAX = 36,
	TENTH = 10,
};

static int64_t
distinct_size(const struct image *img, size_t from)
{
	int64_t sum = 0;
	size_t i;

	for (i = from; i < img->nlayers; i++)
		if (!image_layer_is_repeated(img, i) &&
		    __builtin_add_overflow(sum, img->layers[i].size, &sum))
			return INT64_MAX;
	return sum;
}

static size_t
largest_layer(const struct image *img, size_t from)
{
	size_t i, at = from;

	for (i = from + 1; i < img->nlayers; i++)
		if (img->layers[i].size > img->layers[at].size)
			at = i;
	return at;
}

static void
add_instruction(
    struct buf *b, const struct image *img, size_t layer, size_t max)
{
	const char *text = image_layer_instruction(img, layer);

	if (text == NULL || text[0] == '\0')
		return;
	buf_puts(b, ", \"");
	instruction_add(b, text, max);
	buf_puts(b, "\"");
}

/* The largest one after `layer`, or nlayers. */
static size_t
next_layer(const struct image *img, size_t from, size_t layer)
{
	const int64_t size = img->layers[layer].size;
	size_t i, at = img->nlayers;

	for (i = from; i < img->nlayers; i++) {
		if (img->layers[i].size > size ||
		    (i <= layer && img->layers[i].size == size) ||
		    image_layer_is_repeated(img, i))
			continue;
		if (at == img->nlayers ||
		    img->layers[i].size > img->layers[at].size)
			at = i;
	}
	return at;
}

/* "layer 2 of 7, "RUN ..."; 100 MiB from layer 5, "COPY ..."": the largest, and
 * others of at least `min` bytes. */
static void
add_layers(struct buf *b, const struct image *img, size_t from, size_t top,
    int64_t min)
{
	size_t i, layer = top;

	buf_printf(b, "layer %zu of %zu", top + 1, img->nlayers);
	add_instruction(b, img, top, INSTRUCTION_MAX);
	for (i = 0; i < OTHERS_MAX; i++) {
		layer = next_layer(img, from, layer);
		if (layer == img->nlayers || img->layers[layer].size < min)
			return;
		buf_puts(b, "; ");
		units_add_size(b, img->layers[layer].size);
		buf_printf(b, " from layer %zu", layer + 1);
		add_instruction(b, img, layer, OTHER_INSTRUCTION_MAX);
	}
}

/* What to do about a layer depends on who made it. */
static const char *
fix_for(const struct subject *s, size_t layer)
{
	const char *text = image_layer_instruction(s->image, layer);

	if (layer < s->platform->base_layers)
		return "choose a smaller base image";
	if (text != NULL &&
	    (instruction_is(text, "COPY") || instruction_is(text, "ADD")))
		return "copy only what runs, and list the rest in "
		       ".dockerignore";
	return NULL;
}

static int
add(struct findings *out, struct breach *br, const char *what, int64_t limit,
    struct breach_text *t)
{
	breach_measure(t, br->weight, limit, units_add_size, "B");
	buf_printf(&t->message, "%s %s is over %s", what, buf_text(&t->actual),
	    buf_text(&t->limit));
	return findings_add_text(out, br, t);
}

static int
judge_max(const struct params *p, const struct subject *s, struct findings *out)
{
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;
	struct breach br = {.field = &fields[FIELD_MAX]};
	const struct image *img = s->image;
	const size_t top = largest_layer(img, 0);
	int64_t size;

	/* The plain sum is never less: most images need no look at digests. */
	if (p->max == 0 || img->size <= p->max)
		return 0;
	size = distinct_size(img, 0);
	if (size <= p->max)
		return 0;
	units_add_size(&t.evidence, img->layers[top].size);
	buf_printf(&t.evidence, " (%d %%) come from ",
	    (int)((double)img->layers[top].size * 100 / (double)size + 0.5));
	add_layers(&t.evidence, img, 0, top, size / TENTH);
	br.weight = size;
	br.fix = fix_for(s, top);
	return add(out, &br, "size", p->max, &t);
}

static int
judge_max_layer(
    const struct params *p, const struct subject *s, struct findings *out)
{
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;
	struct breach br = {.field = &fields[FIELD_MAX_LAYER]};
	const struct image *img = s->image;
	const size_t top = largest_layer(img, 0);

	if (p->max_layer == 0 || img->nlayers == 0 ||
	    img->layers[top].size <= p->max_layer)
		return 0;
	buf_puts(&t.evidence, "it is ");
	add_layers(&t.evidence, img, 0, top, p->max_layer + 1);
	br.weight = img->layers[top].size;
	br.fix = fix_for(s, top);
	return add(out, &br, "the largest layer", p->max_layer, &t);
}

static int
judge_max_above(
    const struct params *p, const struct subject *s, struct findings *out)
{
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;
	struct breach br = {.field = &fields[FIELD_MAX_ABOVE]};
	const struct image *img = s->image;
	const size_t base = s->platform->base_layers;
	const struct plan_base *missing;
	int64_t size;
	size_t top;

	if (p->max_above == 0 || img->size <= p->max_above)
		return 0;
	size = distinct_size(img, base);
	if (size <= p->max_above)
		return 0;
	missing = bases_missing(s->plan, s->platform);
	if (missing != NULL)
		return bases_fault(s->plan, missing, out);
	top = largest_layer(img, base);
	units_add_size(&t.evidence, img->layers[top].size);
	buf_puts(&t.evidence, " come from ");
	add_layers(&t.evidence, img, base, top, size / TENTH);
	if (base == 0)
		buf_puts(&t.evidence, "; no known base lies beneath");
	br.weight = size;
	br.fix = fix_for(s, top);
	return add(out, &br, "size above the base", p->max_above, &t);
}

static int
evaluate_size(const void *params, const struct subject *s, struct findings *out)
{
	if (judge_max(params, s, out) != 0)
		return -1;
	if (judge_max_layer(params, s, out) != 0)
		return -1;
	return judge_max_above(params, s, out);
}

static bool
wants_bases(const void *params)
{
	const struct params *p = params;

	return p->max_above != 0;
}

const struct check_key check_key_size = {
    .name = "size",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .wants_bases = wants_bases,
    .about = "What a node pulls before a pod can start, and what its disk "
	     "and its scanner then hold. Compressed bytes, per platform; the "
	     "worst platform speaks. The manifest and the config are left out.",
    .example = "{max: 300Mi, maxLayer: 150Mi, maxAboveBase: 150Mi}",
    .paste = "# Dockerfile\n"
	     "FROM node:22 AS build\n"
	     "WORKDIR /src\n"
	     "COPY package.json package-lock.json ./\n"
	     "RUN npm ci\n"
	     "COPY . .\n"
	     "RUN npm run build && npm prune --omit=dev\n"
	     "\n"
	     "FROM node:22-slim\n"
	     "WORKDIR /app\n"
	     "COPY --from=build /src/dist ./dist\n"
	     "COPY --from=build /src/node_modules ./node_modules\n"
	     "USER 1000\n"
	     "CMD [\"node\", \"dist/server.js\"]\n",
    .blind = "What the image weighs once it is unpacked, two to four times "
	     "as much, and what of it a node has already.",
    .evaluate = evaluate_size,
};
