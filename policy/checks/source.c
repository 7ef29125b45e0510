/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/match.h"

/*
 * Where images come from: globs over the normalised name. An image that is
 * refused here is not fetched either, for its host may be anybody's.
 */
struct params {
	struct string_list allow;
	struct string_list deny;
};

static const struct check_field fields[] = {
    {.name = "allow",
	.check = "source.allow",
	.kind = VALUE_GLOBS,
	.at = offsetof(struct params, allow),
	.about = "Globs over the full name, one of which is to match: "
		 "registry.example.com/**.",
	.fix = "push the image to an allowed registry and name that"},
    {.name = "deny",
	.check = "source.deny",
	.kind = VALUE_GLOBS,
	.at = offsetof(struct params, deny),
	.about = "Globs over the full name, none of which may match.",
	.may_be_empty = true,
	.fix = "push the image to an allowed registry and name that"},
    {.name = NULL},
};

enum { FIELD_ALLOW, FIELD_DENY };
enum { LISTED_MAX = 3 };

static void
add_list(struct buf *b, const struct string_list *list)
{
	size_t i;

	for (i = 0; i < list->n && i < LISTED_MAX; i++)
		buf_printf(b, "%s%s", i > 0 ? ", " : "", list->items[i]);
	if (list->n > LISTED_MAX)
		buf_printf(b, " and %zu more", list->n - LISTED_MAX);
}

static int
add(struct findings *out, const struct subject *s, size_t field,
    const struct string_list *list, const char *complaint)
{
	struct breach br = {.field = &fields[field], .actual = s->ref->name};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	add_list(&t.limit, list);
	buf_printf(
	    &t.message, "comes from %s, which is %s", s->ref->name, complaint);
	return findings_add_text(out, &br, &t);
}

static int
evaluate_source(
    const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;

	if (p->allow.n > 0 && !match_name(&p->allow, s->ref) &&
	    add(out, s, FIELD_ALLOW, &p->allow, "not an allowed source") != 0)
		return -1;
	if (match_name(&p->deny, s->ref) &&
	    add(out, s, FIELD_DENY, &p->deny, "a denied source") != 0)
		return -1;
	return 0;
}

const struct check_key check_key_source = {
    .name = "source",
    .fields = fields,
    .params_size = sizeof(struct params),
    .guards_fetch = true,
    .about = "Where images may come from. An image that an enforced rule "
	     "refuses here is not fetched either: its host may be anybody's.",
    .example = "{allow: [\"registry.example.com/**\"]}",
    .paste = "# Pod: the name of the copy that the company looks after\n"
	     "image: registry.corp/mirror/library/nginx:1.27\n",
    .blind = "Who pushed it. A name says where it is pulled from, and a "
	     "mirror of the node's may be asked instead.",
    .evaluate = evaluate_source,
};
