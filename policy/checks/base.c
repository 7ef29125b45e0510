/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/bases.h"

#include <string.h>

/*
 * What an image was built on, known by its layers: a listed base image lies
 * beneath an image of the same platform when its diff_ids are the first of the
 * image's. They are of the content, so that compressing anew changes nothing,
 * and nobody can claim them without having the layers.
 *
 * `allow` is content with any listed base beneath the image. `deny` asks for
 * the nearest one that is known, the longest: an allowed image may well stand
 * on one that nobody should build on directly.
 */
struct params {
	struct base_list allow;
	struct base_list deny;
	int verify;
};

static const char *const words[] = {"layers", NULL};

static const struct check_field fields[] = {
    {.name = "allow",
	.check = "base.allow",
	.kind = VALUE_BASES,
	.at = offsetof(struct params, allow),
	.about = "Images, one of which is to lie beneath: its layers are the "
		 "first of the image's, on the same platform.",
	.fix = "build it anew FROM an allowed base as it is today"},
    {.name = "deny",
	.check = "base.deny",
	.kind = VALUE_BASES,
	.at = offsetof(struct params, deny),
	.about = "Images that nothing may be built on directly.",
	.may_be_empty = true,
	.fix = "build it FROM another base"},
    {.name = "verify",
	.kind = VALUE_CHOICE,
	.words = words,
	.at = offsetof(struct params, verify),
	.about = "`layers`: only layers are proof."},
    {.name = NULL},
};

enum { FIELD_ALLOW, FIELD_DENY };
enum { LISTED_MAX = 3, TEXT_MAX = 4 * REFERENCE_MAX };

static const char *
base_text(const struct subject *s, size_t base)
{
	return s->plan->rules->bases[base].text;
}

static void
add_list(struct buf *b, const struct subject *s, const struct base_list *list)
{
	size_t i;

	for (i = 0; i < list->n && i < LISTED_MAX; i++)
		buf_printf(
		    b, "%s%s", i > 0 ? ", " : "", base_text(s, list->items[i]));
	if (list->n > LISTED_MAX)
		buf_printf(b, " and %zu more", list->n - LISTED_MAX);
}

static void
say_evidence(struct buf *b, const struct report_platform *rp)
{
	if (rp->base_how == BASE_LAYERS)
		buf_printf(b, "its first %zu of %zu layers are that image's",
		    rp->base_layers, rp->image->nlayers);
	else if (rp->base_how != BASE_NONE)
		buf_printf(b, "its %s names %s, which its layers do not prove",
		    base_how_name(rp->base_how), rp->base_name);
}

/* `name`: the base that lies beneath, NULL where none is known. */
static int
add(struct findings *out, const struct subject *s, size_t field,
    const struct base_list *list, const char *name)
{
	struct breach br = {.field = &fields[field]};
	AUTO(buf_clear)
	struct buf message = BUF_INIT(TEXT_MAX), limit = BUF_INIT(TEXT_MAX),
		   evidence = BUF_INIT(TEXT_MAX);

	buf_printf(&message, "is built on %s", name ? name : "no allowed base");
	if (name != NULL)
		buf_printf(&message, ", which is %s",
		    field == FIELD_DENY ? "denied" : "not an allowed base");
	if (field == FIELD_DENY)
		buf_puts(&limit, "not ");
	add_list(&limit, s, list);
	say_evidence(&evidence, s->platform);
	if (buf_failed(&message) || buf_failed(&limit) || buf_failed(&evidence))
		return -1;
	br.actual = name ? name : "unknown";
	br.limit = buf_text(&limit);
	br.message = buf_text(&message);
	br.evidence = buf_text(&evidence);
	return findings_add(out, &br);
}

static int
judge_allow(
    const struct params *p, const struct subject *s, struct findings *out)
{
	const struct report_platform *rp = s->platform;
	size_t i, unknown = p->allow.n;

	if (p->allow.n == 0)
		return 0;
	for (i = 0; i < p->allow.n; i++) {
		if (bases_beneath(s->plan, p->allow.items[i], s->image) > 0)
			return 0;
		if (base_may_be(&s->plan->bases[p->allow.items[i]]))
			unknown = i;
	}
	if (unknown < p->allow.n)
		return bases_fault(
		    s->plan, &s->plan->bases[p->allow.items[unknown]], out);
	return add(out, s, FIELD_ALLOW, &p->allow,
	    rp->base_how == BASE_LAYERS ? rp->base_name : NULL);
}

/* A name in the list that is not there any more cannot be what an image is
 * built on: only what a name means today counts. */
static bool
may_be_denied(const struct plan_base *b)
{
	return base_may_be(b) && (b->fault.code == NULL ||
				     strcmp(b->fault.code, "NOT_FOUND") != 0);
}

static int
judge_deny(
    const struct params *p, const struct subject *s, struct findings *out)
{
	size_t i, unknown = p->deny.n, nearest = s->platform->base_layers;

	for (i = 0; i < p->deny.n; i++) {
		if (s->platform->base_how == BASE_LAYERS &&
		    bases_beneath(s->plan, p->deny.items[i], s->image) ==
			nearest)
			return add(out, s, FIELD_DENY, &p->deny,
			    base_text(s, p->deny.items[i]));
		if (may_be_denied(&s->plan->bases[p->deny.items[i]]))
			unknown = i;
	}
	if (unknown < p->deny.n)
		return bases_fault(
		    s->plan, &s->plan->bases[p->deny.items[unknown]], out);
	return 0;
}

static int
evaluate_base(const void *params, const struct subject *s, struct findings *out)
{
	if (judge_allow(params, s, out) != 0)
		return -1;
	return judge_deny(params, s, out);
}

const struct check_key check_key_base = {
    .name = "base",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .about = "What an image is built on is patched by whoever patches the "
	     "base, if it is one that somebody looks after. It is known by "
	     "the layers' content (diff_ids), so that compressing anew changes "
	     "nothing, and nobody can claim what is not there.",
    .example = "{allow: [\"docker.io/library/debian:12-slim\"]}",
    .evaluate = evaluate_base,
};
