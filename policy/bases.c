/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/bases.h"

#include <string.h>

static const char name_key[] = "org.opencontainers.image.base.name";
static const char digest_key[] = "org.opencontainers.image.base.digest";

static bool
same_platform(const struct platform *a, const struct platform *b)
{
	return strcmp(a->os, b->os) == 0 && strcmp(a->arch, b->arch) == 0 &&
	       strcmp(a->variant, b->variant) == 0;
}

static bool
is_prefix(const struct string_list *base, const struct string_list *whole)
{
	size_t i;

	if (base->n == 0 || base->n > whole->n)
		return false;
	for (i = 0; i < base->n; i++)
		if (strcmp(base->items[i], whole->items[i]) != 0)
			return false;
	return true;
}

static const struct image *
same_of(const struct image_set *set, const struct image *image)
{
	size_t i;

	for (i = 0; set != NULL && i < set->n; i++)
		if (same_platform(&set->images[i]->platform, &image->platform))
			return set->images[i];
	return NULL;
}

/* The set's image that lies beneath, or NULL. */
static const struct image *
beneath(const struct image_set *set, const struct image *image)
{
	size_t i;

	for (i = 0; set != NULL && i < set->n; i++)
		if (same_platform(
			&set->images[i]->platform, &image->platform) &&
		    is_prefix(&set->images[i]->diff_ids, &image->diff_ids))
			return set->images[i];
	return NULL;
}

/* What the base's name meant before, if it lies beneath. */
static const struct image *
find_older(const struct plan *p, size_t base, const struct image *image)
{
	const struct plan_base *b = &p->bases[base];
	const struct image *found;
	size_t i;

	for (i = 0; i < b->nolder; i++) {
		found = beneath(b->older[i], image);
		if (found != NULL)
			return found;
	}
	for (i = 0; i < p->nclaims; i++) {
		if (p->claims[i].base != base)
			continue;
		found = beneath(p->claims[i].facts, image);
		if (found != NULL)
			return found;
	}
	return NULL;
}

size_t
bases_beneath(const struct plan *p, size_t base, const struct image *image)
{
	const struct image *found = beneath(p->bases[base].facts, image);

	return found == NULL ? 0 : found->diff_ids.n;
}

size_t
bases_beneath_older(
    const struct plan *p, size_t base, const struct image *image)
{
	const struct image *found = find_older(p, base, image);

	return found == NULL ? 0 : found->diff_ids.n;
}

static const char *
find(const struct pair_list *pairs, const char *key)
{
	size_t i;

	for (i = 0; i < pairs->n; i++)
		if (strcmp(pairs->items[i].key, key) == 0)
			return pairs->items[i].value;
	return "";
}

static bool
claims(struct report_platform *rp, const struct pair_list *pairs,
    enum base_how how)
{
	const char *name = find(pairs, name_key);

	if (name[0] == '\0')
		return false;
	rp->base_name = name;
	rp->base_digest = find(pairs, digest_key);
	rp->base_how = how;
	return true;
}

/* What lies beneath, if it is nearer than what was found so far. `today` is
 * what the name means for this platform by now. */
static void
take_nearer(struct report_platform *rp, const char *name,
    const struct image *found, const struct image *today)
{
	if (found == NULL || found->diff_ids.n <= rp->base_layers)
		return;
	rp->base_name = name;
	rp->base_digest = found->digest;
	rp->base_how = BASE_LAYERS;
	rp->base_layers = found->diff_ids.n;
	rp->base = found;
	rp->base_is_stale = found != today;
	rp->base_today = today;
}

static void
know_nothing(struct report_platform *rp)
{
	rp->base_name = rp->base_digest = "";
	rp->base_how = BASE_NONE;
	rp->base_layers = 0;
	rp->base = rp->base_today = NULL;
	rp->base_is_stale = false;
}

static void
find_claim_of(struct report_platform *rp)
{
	if (!claims(rp, &rp->image->annotations, BASE_ANNOTATION))
		claims(rp, &rp->image->labels, BASE_LABEL);
}

void
bases_claim(struct report_platform *rp)
{
	know_nothing(rp);
	find_claim_of(rp);
}

void
bases_prove(
    struct report_platform *rp, const char *name, const struct image_set *set)
{
	const struct image *found = beneath(set, rp->image);

	take_nearer(rp, name, found, found);
}

void
bases_find(const struct plan *p, struct report_platform *rp)
{
	const struct reference *names = p->rules->bases;
	size_t i;

	know_nothing(rp);
	for (i = 0; i < p->nbases; i++)
		bases_prove(rp, names[i].text, p->bases[i].facts);
	for (i = 0; i < p->nbases; i++)
		take_nearer(rp, names[i].text, find_older(p, i, rp->image),
		    same_of(p->bases[i].facts, rp->image));
	if (rp->base_how == BASE_NONE)
		find_claim_of(rp);
}

/* Whether a name as an annotation writes it is the base's: its digest, which
 * tells more than the name, is left out. */
static bool
names_base(const struct plan *p, size_t base, const struct reference *ref)
{
	const struct reference *b = &p->rules->bases[base];
	const char *tag =
	    ref->tag_written != NULL ? ref->tag_written : "latest";

	return b->digest == NULL && strcmp(b->name, ref->name) == 0 &&
	       strcmp(b->tag, tag) == 0;
}

bool
bases_claimed(
    const struct plan *p, size_t base, const struct report_platform *rp)
{
	AUTO(arena_free) struct arena *mem = NULL;
	struct error err = ERROR_INIT;
	struct reference ref;

	if (rp->base_how != BASE_ANNOTATION && rp->base_how != BASE_LABEL)
		return false;
	mem = arena_new();
	return mem != NULL &&
	       reference_parse(&ref, rp->base_name, mem, &err) == 0 &&
	       names_base(p, base, &ref);
}

static bool
is_claimed_already(const struct plan *p, size_t base, const char *digest)
{
	size_t i;

	for (i = 0; i < p->nclaims; i++)
		if (p->claims[i].base == base &&
		    strcmp(p->claims[i].ref.digest, digest) == 0)
			return true;
	return p->bases[base].facts != NULL &&
	       strcmp(p->bases[base].facts->digest, digest) == 0;
}

/* "name@digest" of the base's own repository, and of no other. */
static int
add_claim(struct plan *p, size_t base, const char *digest)
{
	struct plan_claim *c = &p->claims[p->nclaims];
	struct error err = ERROR_INIT;
	const char *text =
	    arena_printf(p->mem, "%s@%s", p->rules->bases[base].name, digest);

	if (text == NULL)
		return -1;
	if (reference_parse(&c->ref, text, p->mem, &err) != 0)
		return err.code == ERR_NOMEM ? -1 : 0;
	c->base = base;
	p->nclaims++;
	return 0;
}

static int
find_claim(struct plan *p, const struct report_platform *rp)
{
	size_t i;

	if (rp->base_how != BASE_ANNOTATION ||
	    !reference_is_digest(rp->base_digest))
		return 0;
	for (i = 0; i < p->nbases && p->nclaims < PLAN_CLAIMS_MAX; i++)
		if (p->bases[i].fetch && bases_claimed(p, i, rp) &&
		    !is_claimed_already(p, i, rp->base_digest) &&
		    add_claim(p, i, rp->base_digest) != 0)
			return -1;
	return 0;
}

int
plan_find_claims(struct plan *p)
{
	const struct image_set *set;
	size_t i, j;

	for (i = 0; p->nbases > 0 && i < p->nimages; i++) {
		set = p->images[i].facts;
		for (j = 0; set != NULL && j < set->n; j++) {
			struct report_platform rp = {.image = set->images[j]};

			bases_find(p, &rp);
			if (find_claim(p, &rp) != 0)
				return -1;
		}
	}
	return 0;
}

bool
base_may_be(const struct plan_base *b)
{
	/* It certainly is not where it has nothing for any platform in
	 * question. */
	return b->facts == NULL &&
	       (b->fault.code == NULL ||
		   strcmp(b->fault.code, "NO_RUNNABLE_PLATFORM") != 0);
}

const struct plan_base *
bases_missing(const struct plan *p, const struct report_platform *rp)
{
	size_t i;

	for (i = 0; i < p->nbases && rp->base_how != BASE_LAYERS; i++)
		if (p->bases[i].fetch && base_may_be(&p->bases[i]))
			return &p->bases[i];
	return NULL;
}

int
bases_fault(
    const struct plan *p, const struct plan_base *b, struct findings *out)
{
	enum { TEXT_MAX = 2 * REFERENCE_MAX };
	AUTO(buf_clear) struct buf message = BUF_INIT(TEXT_MAX);
	struct fault f = b->fault;

	if (f.code == NULL)
		f = (struct fault){.code = "INTERNAL",
		    .may_heal = true,
		    .message = "no facts arrived"};
	buf_printf(&message, "base image %s: %s",
	    p->rules->bases[b - p->bases].text, f.message);
	if (buf_failed(&message))
		return -1;
	f.message = buf_text(&message);
	return findings_fault(out, &f);
}
