/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/glob.h"

/*
 * How images are named. A digest says exactly what runs, and a tag beside it is
 * only a comment that no node reads: tag.deny lets it be.
 */
struct params {
	struct string_list deny;
	int digest;
};

static const char *const words[] = {"require", "allow", NULL};

static const struct check_field fields[] = {
    {.name = "deny",
	.check = "tag.deny",
	.kind = VALUE_TAGS,
	.at = offsetof(struct params, deny),
	.about = "Globs over tags that may not be used; no tag means latest. "
		 "Beside a digest the tag is not looked at.",
	.may_be_empty = true,
	.fix = "name a version, or better a digest"},
    {.name = "digest",
	.check = "tag.digest",
	.kind = VALUE_CHOICE,
	.words = words,
	.at = offsetof(struct params, digest),
	.about = "`require`: every reference has a digest.",
	.fix = "write name:tag@sha256:... with the digest that was tested"},
    {.name = NULL},
};

enum { FIELD_DENY, FIELD_DIGEST };

static int
deny_tag(const struct reference *ref, struct findings *out)
{
	struct breach br = {.field = &fields[FIELD_DENY],
	    .actual = ref->tag,
	    .limit = "another tag, or a digest"};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	if (ref->tag_written == NULL)
		buf_printf(&t.message,
		    "no tag is written, which means \"%s\", and that is denied",
		    ref->tag);
	else
		buf_printf(&t.message, "tag \"%s\" is denied", ref->tag);
	return findings_add_text(out, &br, &t);
}

static int
require_digest(const struct reference *ref, struct findings *out)
{
	struct breach br = {.field = &fields[FIELD_DIGEST],
	    .actual = ref->tag,
	    .limit = "a digest"};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	buf_printf(&t.message,
	    "tag \"%s\" may mean another image tomorrow: a digest is required",
	    ref->tag);
	return findings_add_text(out, &br, &t);
}

static int
evaluate_tag(const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	const struct reference *ref = s->ref;

	if (ref->digest != NULL)
		return 0;
	if (p->deny.n > 0 &&
	    glob_list_match(p->deny.items, p->deny.n, ref->tag) &&
	    deny_tag(ref, out) != 0)
		return -1;
	return p->digest == CHOICE_DEMANDS ? require_digest(ref, out) : 0;
}

const struct check_key check_key_tag = {
    .name = "tag",
    .fields = fields,
    .params_size = sizeof(struct params),
    .about = "A tag means whatever was pushed to it last: two replicas of "
	     "one pod may run two programs. A digest means one image for ever.",
    .example = "{deny: [latest], digest: require}",
    .paste = "# Pod: what was tested, whatever becomes of the tag\n"
	     "image: registry.corp/web:1.4@sha256:...\n",
    .blind = "Whether a tag has moved since it was tested; the digest in "
	     "the answer says what it was when it was judged.",
    .evaluate = evaluate_tag,
};
