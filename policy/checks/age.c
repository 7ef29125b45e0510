/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/base/units.h"
#include "policy/checks/age.h"

/* How long ago an image was built, by its own word: config.created. */
struct params {
	int64_t max;
};

static const struct check_field fields[] = {
    {.name = "max",
	.check = "age.max",
	.kind = VALUE_DURATION,
	.at = offsetof(struct params, max),
	.about = "The longest time since the image was built, such as 180d. "
		 "Units are s, m, h, d and w. An image without a date, or "
		 "with one of 1980 or before, has no known age and passes.",
	.fix = "build the image anew, from a base as it is today"},
    {.name = NULL},
};

/* 1981-01-01: builders that make the same image twice write 1970 or 1980. */
static const int64_t dates_begin = INT64_C(347155200);

int64_t
image_age(const struct image *img, int64_t now)
{
	if (!img->has_created || img->created < dates_begin ||
	    img->created > now)
		return -1;
	return now - img->created;
}

static int
evaluate_age(const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	const int64_t age = image_age(s->image, s->plan->now);
	struct breach br = {.field = &fields[0], .weight = age};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	if (age <= p->max)
		return 0;
	breach_measure(&t, age, p->max, units_add_duration, "s");
	buf_printf(&t.message, "age %s is over %s", buf_text(&t.actual),
	    buf_text(&t.limit));
	buf_puts(&t.evidence, "it was built on ");
	units_add_time(&t.evidence, s->image->created);
	return findings_add_text(out, &br, &t);
}

const struct check_key check_key_age = {
    .name = "age",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .about = "An image that nobody has built for months holds none of the "
	     "fixes of those months, whatever its tag says.",
    .example = "{max: 180d}",
    .paste =
	"# In CI: builds a release anew every week, on the base as it is then.\n"
	"docker build --pull --no-cache -t registry.corp/web:1.4.2 .\n",
    .blind = "What was patched: an image of yesterday on a base of last "
	     "year is young. Builders that write no date, or one of 1980, "
	     "leave the age unknown, which passes.",
    .evaluate = evaluate_age,
};
