/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/base/units.h"
#include "policy/bases.h"
#include "policy/checks/age.h"

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
	int64_t max_age;
	int verify;
	int stale;
};

static const char *const words[] = {"layers", "claim", NULL};
enum { VERIFY_CLAIM = 2 };

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
	.about = "Images that nothing may be built on directly: the nearest "
		 "base that any rule lists is asked for.",
	.may_be_empty = true,
	.fix = "build it FROM another base"},
    {.name = "maxAge",
	.check = "base.maxAge",
	.kind = VALUE_DURATION,
	.at = offsetof(struct params, max_age),
	.about = "The longest time since the base was built, such as 60d. A "
		 "base that no rule lists, or that has no date, passes.",
	.fix = "build it anew FROM the base as it is today"},
    {.name = "verify",
	.kind = VALUE_CHOICE,
	.words = words,
	.at = offsetof(struct params, verify),
	.about = "`layers`, unless `claim` is said: only layers are proof. "
		 "`claim` takes an annotation or a label at its word where "
		 "layers prove nothing."},
    {.name = "stale",
	.kind = VALUE_CHOICE,
	.words = check_deny_allow,
	.at = offsetof(struct params, stale),
	.about =
	    "`allow`: an image on an allowed base as it was before its "
	    "tag moved on is fine. Unless that is said it is a stale base, "
	    "and is told with both digests."},
    {.name = NULL},
};

enum { FIELD_ALLOW, FIELD_DENY, FIELD_MAX_AGE };
enum {
	LISTED_MAX = 3,
	DIGEST_SHOWN = 19, /* "sha256:" and 12 digits */
};

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

/* `name`: the base that lies beneath, or is claimed to; NULL where none is
 * known. */
static int
add(struct findings *out, const struct subject *s, size_t field,
    const struct base_list *list, const char *name)
{
	struct breach br = {
	    .field = &fields[field], .actual = name ? name : "unknown"};
	const bool proved = s->platform->base_how == BASE_LAYERS;
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	buf_printf(&t.message, "%s built on %s",
	    name == NULL || proved ? "is" : "claims to be",
	    name ? name : "no allowed base");
	if (name != NULL)
		buf_printf(&t.message, ", which is %s",
		    field == FIELD_DENY ? "denied" : "not an allowed base");
	if (field == FIELD_DENY)
		buf_puts(&t.limit, "not ");
	add_list(&t.limit, s, list);
	say_evidence(&t.evidence, s->platform);
	return findings_add_text(out, &br, &t);
}

/* On what an allowed base was before its tag moved on. */
static int
add_stale(struct findings *out, const struct subject *s)
{
	const struct report_platform *rp = s->platform;
	const char *today =
	    rp->base_today != NULL ? rp->base_today->digest : "";
	struct breach br = {.field = &fields[FIELD_ALLOW],
	    .actual = rp->base_digest,
	    .limit = today[0] != '\0' ? today : "nothing for this platform"};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	buf_printf(&t.message, "stale base: is built on %s as it was, %.*s",
	    rp->base_name, DIGEST_SHOWN, rp->base_digest);
	if (today[0] != '\0')
		buf_printf(
		    &t.message, "; today it is %.*s", DIGEST_SHOWN, today);
	say_evidence(&t.evidence, rp);
	return findings_add_text(out, &br, &t);
}

/* What one entry of `allow` is to an image. */
enum standing { STANDS_NOT, STANDS_UNKNOWN, STANDS_STALE, STANDS };

static enum standing
standing_on(const struct params *p, const struct subject *s, size_t base)
{
	if (bases_beneath(s->plan, base, s->image) > 0 ||
	    (p->verify == VERIFY_CLAIM &&
		bases_claimed(s->plan, base, s->platform)))
		return STANDS;
	if (base_may_be(&s->plan->bases[base]))
		return STANDS_UNKNOWN;
	if (bases_beneath_older(s->plan, base, s->image) > 0)
		return p->stale == CHOICE_ALLOW ? STANDS : STANDS_STALE;
	return STANDS_NOT;
}

static int
judge_allow(
    const struct params *p, const struct subject *s, struct findings *out)
{
	const struct report_platform *rp = s->platform;
	enum standing best = STANDS_NOT, st;
	size_t i, unknown = 0;

	for (i = 0; i < p->allow.n && best != STANDS; i++) {
		st = standing_on(p, s, p->allow.items[i]);
		if (st == STANDS_UNKNOWN)
			unknown = p->allow.items[i];
		if (st > best)
			best = st;
	}
	if (p->allow.n == 0 || best == STANDS)
		return 0;
	if (best == STANDS_UNKNOWN)
		return bases_fault(s->plan, &s->plan->bases[unknown], out);
	if (best == STANDS_STALE && rp->base_is_stale)
		return add_stale(out, s);
	return add(out, s, FIELD_ALLOW, &p->allow,
	    rp->base_how == BASE_LAYERS || p->verify == VERIFY_CLAIM
		? (rp->base_how == BASE_NONE ? NULL : rp->base_name)
		: NULL);
}

/* A name in the list that is not there any more cannot be what an image is
 * built on. */
static bool
may_be_denied(const struct plan_base *b)
{
	return base_may_be(b) && (b->fault.code == NULL ||
				     strcmp(b->fault.code, "NOT_FOUND") != 0);
}

/* What the name means today, and what it meant before: no later push makes an
 * image better that is built on it. */
static bool
is_nearest(const struct subject *s, size_t base)
{
	const size_t nearest = s->platform->base_layers;

	return s->platform->base_how == BASE_LAYERS &&
	       (bases_beneath(s->plan, base, s->image) == nearest ||
		   bases_beneath_older(s->plan, base, s->image) == nearest);
}

static int
judge_deny(
    const struct params *p, const struct subject *s, struct findings *out)
{
	size_t i, base, unknown = p->deny.n;

	for (i = 0; i < p->deny.n; i++) {
		base = p->deny.items[i];
		if (is_nearest(s, base) ||
		    (p->verify == VERIFY_CLAIM &&
			bases_claimed(s->plan, base, s->platform)))
			return add(
			    out, s, FIELD_DENY, &p->deny, base_text(s, base));
		if (may_be_denied(&s->plan->bases[base]))
			unknown = i;
	}
	if (unknown < p->deny.n)
		return bases_fault(
		    s->plan, &s->plan->bases[p->deny.items[unknown]], out);
	return 0;
}

static int
judge_max_age(
    const struct params *p, const struct subject *s, struct findings *out)
{
	const struct report_platform *rp = s->platform;
	struct breach br = {.field = &fields[FIELD_MAX_AGE]};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	if (p->max_age == 0 || rp->base == NULL)
		return 0;
	br.weight = image_age(rp->base, s->plan->now);
	if (br.weight <= p->max_age)
		return 0;
	breach_measure(&t, br.weight, p->max_age, units_add_duration, "s");
	buf_printf(&t.message, "age of the base %s, %s, is over %s",
	    rp->base_name, buf_text(&t.actual), buf_text(&t.limit));
	say_evidence(&t.evidence, rp);
	return findings_add_text(out, &br, &t);
}

static int
evaluate_base(const void *params, const struct subject *s, struct findings *out)
{
	if (judge_allow(params, s, out) != 0 || judge_deny(params, s, out) != 0)
		return -1;
	return judge_max_age(params, s, out);
}

static bool
wants_bases(const void *params)
{
	const struct params *p = params;

	return p->max_age != 0;
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
    .paste =
	"# Dockerfile\n"
	"FROM docker.io/library/debian:12-slim@sha256:...\n"
	"LABEL org.opencontainers.image.base.name=docker.io/library/debian:12-slim\n",
    .blind = "Bases that no rule lists, and squashed images, in which no "
	     "layer of the base is left. A stage that was only copied from "
	     "is no base.",
    .evaluate = evaluate_base,
    .wants_bases = wants_bases,
};
