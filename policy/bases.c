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

/* The base's image that lies beneath, or NULL. */
static const struct image *
find_beneath(const struct plan *p, size_t base, const struct image *image)
{
	const struct image_set *set = p->bases[base].facts;
	size_t i;

	for (i = 0; set != NULL && i < set->n; i++)
		if (same_platform(
			&set->images[i]->platform, &image->platform) &&
		    is_prefix(&set->images[i]->diff_ids, &image->diff_ids))
			return set->images[i];
	return NULL;
}

size_t
bases_beneath(const struct plan *p, size_t base, const struct image *image)
{
	const struct image *found = find_beneath(p, base, image);

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

void
bases_find(const struct plan *p, struct report_platform *rp)
{
	const struct image *found;
	size_t i;

	rp->base_name = rp->base_digest = "";
	rp->base_how = BASE_NONE;
	rp->base_layers = 0;
	rp->base = NULL;
	for (i = 0; i < p->nbases; i++) {
		found = find_beneath(p, i, rp->image);
		if (found == NULL || found->diff_ids.n <= rp->base_layers)
			continue;
		rp->base_name = p->rules->bases[i].text;
		rp->base_digest = found->digest;
		rp->base_how = BASE_LAYERS;
		rp->base_layers = found->diff_ids.n;
		rp->base = found;
	}
	if (rp->base_how == BASE_NONE &&
	    !claims(rp, &rp->image->annotations, BASE_ANNOTATION))
		claims(rp, &rp->image->labels, BASE_LABEL);
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
