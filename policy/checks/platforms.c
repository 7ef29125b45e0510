/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include <string.h>

/*
 * What an image is built for. Every runnable platform behind the reference
 * counts here, those that the cluster does not run too.
 */
struct params {
	struct platform_set require;
};

static const struct check_field fields[] = {
    {.name = "require",
	.check = "platforms.require",
	.kind = VALUE_PLATFORMS,
	.at = offsetof(struct params, require),
	.about = "Platforms that every image is built for, such as "
		 "linux/arm64. One without a variant is content with any.",
	.fix = "build for all of them: docker buildx build --platform "
	       "linux/amd64,linux/arm64"},
    {.name = NULL},
};

enum { LISTED_MAX = 4 };

static bool
satisfies(const struct platform *have, const struct platform *wanted)
{
	return strcmp(have->os, wanted->os) == 0 &&
	       strcmp(have->arch, wanted->arch) == 0 &&
	       (wanted->variant[0] == '\0' ||
		   strcmp(have->variant, wanted->variant) == 0);
}

static bool
is_there(const struct image_set *set, const struct platform *wanted)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (satisfies(&set->images[i]->platform, wanted))
			return true;
	for (i = 0; i < set->nothers; i++)
		if (satisfies(&set->others[i], wanted))
			return true;
	return false;
}

static void
add_platform(struct buf *b, const struct platform *p)
{
	buf_printf(b, "%s%s/%s%s%s", b->len > 0 ? ", " : "", p->os, p->arch,
	    p->variant[0] != '\0' ? "/" : "", p->variant);
}

static void
say_there(struct buf *b, const struct image_set *set)
{
	const size_t n = set->n + set->nothers;
	size_t i;

	for (i = 0; i < n && i < LISTED_MAX; i++)
		add_platform(b, i < set->n ? &set->images[i]->platform
					   : &set->others[i - set->n]);
	if (n > LISTED_MAX)
		buf_printf(b, " and %zu more", n - LISTED_MAX);
}

static int
evaluate_platforms(
    const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	struct breach br = {.field = &fields[0]};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;
	size_t i, n = 0;

	for (i = 0; i < p->require.n; i++)
		if (!is_there(s->set, &p->require.items[i]) &&
		    ++n <= LISTED_MAX)
			add_platform(&t.limit, &p->require.items[i]);
	if (n == 0)
		return 0;
	if (n > LISTED_MAX)
		buf_printf(&t.limit, " and %zu more", n - LISTED_MAX);
	say_there(&t.actual, s->set);
	buf_printf(&t.message, "is not built for %s", buf_text(&t.limit));
	return findings_add_text(out, &br, &t);
}

const struct check_key check_key_platforms = {
    .name = "platforms",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .judges_set = true,
    .about = "A tag that is built for one architecture alone keeps its pods "
	     "off every other node, and is found out when those come.",
    .example = "{require: [linux/amd64, linux/arm64]}",
    .paste =
	"# In CI\n"
	"docker buildx build --platform linux/amd64,linux/arm64 --push \\\n"
	"    -t registry.corp/web:1.4 .\n",
    .blind = "Whether it runs there: a platform is what the index says it "
	     "is, and the config agrees.",
    .evaluate = evaluate_platforms,
};
