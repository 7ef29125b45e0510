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

enum { TEXT_MAX = 256 };

static int64_t
count(const struct image *img, size_t from, size_t to)
{
	int64_t n = 0;
	size_t i;

	for (i = from; i < to; i++)
		if (img->layers[i].size >= LAYER_COUNTS_FROM)
			n++;
	return n;
}

static int
evaluate_layers(
    const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	const struct report_platform *rp = s->platform;
	struct breach br = {.field = &fields[0]};
	AUTO(buf_clear)
	struct buf actual = BUF_INIT(TEXT_MAX), limit = BUF_INIT(TEXT_MAX),
		   message = BUF_INIT(TEXT_MAX), evidence = BUF_INIT(TEXT_MAX);
	int64_t n;

	n = count(s->image, 0, s->image->nlayers);
	if (p->max == 0 || n <= p->max)
		return 0;
	buf_printf(&actual, "%" PRId64, n);
	buf_printf(&limit, "%" PRId64, p->max);
	buf_printf(&message, "%" PRId64 " layers are over %" PRId64, n, p->max);
	if (rp->base_layers > 0)
		buf_printf(&evidence, "%" PRId64 " of them belong to the base",
		    count(s->image, 0, rp->base_layers));
	if (buf_failed(&actual) || buf_failed(&limit) || buf_failed(&message) ||
	    buf_failed(&evidence))
		return -1;
	br.weight = n;
	br.actual = buf_text(&actual);
	br.limit = buf_text(&limit);
	br.message = buf_text(&message);
	br.evidence = buf_text(&evidence);
	return findings_add(out, &br);
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
