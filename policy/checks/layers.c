/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include <inttypes.h>

/*
 * How many layers a node unpacks. Those that hold next to nothing, such as the
 * 32 bytes that BuildKit writes for a WORKDIR, are not worth a word.
 */
enum { LAYER_COUNTS_FROM = 1024 };

struct params {
	int64_t max;
};

static const struct check_field fields[] = {
    {.name = "max",
	.check = "layers.max",
	.kind = VALUE_COUNT,
	.at = offsetof(struct params, max),
	.about = "The most layers. Those under 1 KiB, such as the one that "
		 "BuildKit writes for a WORKDIR, do not count.",
	.fix = "join the RUN instructions that belong together, and copy what "
	       "belongs together in one step"},
    {.name = NULL},
};

/* Of the first so many. */
static int64_t
count(const struct image *img, size_t layers)
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < layers; i++)
		if (img->layers[i].size >= LAYER_COUNTS_FROM)
			n++;
	return n;
}

static int
evaluate_layers(
    const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	const size_t base = s->platform->base_layers;
	const int64_t n = count(s->image, s->image->nlayers);
	struct breach br = {.field = &fields[0], .weight = n};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	if (p->max == 0 || n <= p->max)
		return 0;
	buf_printf(&t.actual, "%" PRId64, n);
	buf_printf(&t.limit, "%" PRId64, p->max);
	buf_printf(
	    &t.message, "%" PRId64 " layers are over %" PRId64, n, p->max);
	if (base > 0)
		buf_printf(&t.evidence,
		    "%" PRId64 " of them belong to the base",
		    count(s->image, base));
	return findings_add_text(out, &br, &t);
}

const struct check_key check_key_layers = {
    .name = "layers",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .about = "Each layer is a request to the registry and a mount on the "
	     "node; overlayfs ends at about 125.",
    .example = "{max: 40}",
    .paste = "# Dockerfile: one RUN for what belongs together\n"
	     "RUN apt-get update \\\n"
	     "    && apt-get install -y --no-install-recommends curl jq \\\n"
	     "    && rm -rf /var/lib/apt/lists/*\n",
    .blind = "Which layers a node has already. Layers under 1 KiB, such as "
	     "those of WORKDIR, are not counted.",
    .evaluate = evaluate_layers,
};
