/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/findings.h"

#include "policy/base/text.h"
#include "policy/match.h"

#include <inttypes.h>
#include <string.h>

enum { SHORT_MAX = 240, SENTENCE_MAX = 256, FAULT_MAX = 512 };

static const char *
keep_text(struct arena *mem, const char *s, size_t max)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(max);

	if (s == NULL || s[0] == '\0')
		return "";
	if (text_sanitise(&b, s, max) != 0 || buf_failed(&b))
		return NULL;
	return arena_strndup(mem, buf_text(&b), b.len);
}

/* The waiver for this rule and container: one in effect (then *waived is
 * true), else one that has expired, else NULL. */
static const struct waiver *
find_waiver(const struct plan *p, const struct plan_image *image,
    const struct rule *rule, bool *waived)
{
	const struct waiver *w, *expired = NULL;

	*waived = false;
	for (w = rule->waivers; w != NULL; w = w->next) {
		if (!match_workload(&w->match, p->workload) ||
		    !match_container(&w->match, image->container, &image->ref))
			continue;
		if (p->now < w->expires) {
			*waived = true;
			return w;
		}
		if (expired == NULL || w->expires > expired->expires)
			expired = w;
	}
	return expired;
}

static int
fill(struct finding *f, const struct findings *out, const struct breach *b)
{
	f->rule = out->rule;
	f->check = b->field->check;
	f->platform = out->platform;
	f->actual = keep_text(out->mem, b->actual, SHORT_MAX);
	f->limit = keep_text(out->mem, b->limit, SHORT_MAX);
	f->message = keep_text(out->mem, b->message, SENTENCE_MAX);
	f->evidence = keep_text(out->mem, b->evidence, SENTENCE_MAX);
	f->fix = keep_text(
	    out->mem, b->fix != NULL ? b->fix : b->field->fix, SENTENCE_MAX);
	f->waiver = find_waiver(out->plan, out->image, out->rule, &f->waived);
	return f->actual == NULL || f->limit == NULL || f->message == NULL ||
		       f->evidence == NULL || f->fix == NULL
		   ? -1
		   : 0;
}

/* The slot of the same check of the same rule, or a new one; NULL when memory
 * is out. */
static struct found *
slot_for(struct findings *out, const struct breach *b)
{
	struct found *items;
	size_t i;

	for (i = out->n; i > 0; i--)
		if (out->items[i - 1].finding.rule == out->rule &&
		    out->items[i - 1].finding.check == b->field->check &&
		    out->items[i - 1].detail == b->detail)
			return &out->items[i - 1];
	items =
	    arena_grow(out->mem, out->items, out->n, &out->cap, sizeof(*items));
	if (items == NULL)
		return NULL;
	out->items = items;
	out->items[out->n] =
	    (struct found){.detail = b->detail, .weight = INT64_MIN};
	return &out->items[out->n++];
}

int
findings_add(struct findings *out, const struct breach *b)
{
	struct found *slot = slot_for(out, b);

	if (slot == NULL)
		return -1;
	if (slot->finding.rule != NULL && b->weight <= slot->weight)
		return 0;
	slot->weight = b->weight;
	return fill(&slot->finding, out, b);
}

void
breach_text_clear(struct breach_text *t)
{
	buf_clear(&t->actual);
	buf_clear(&t->limit);
	buf_clear(&t->message);
	buf_clear(&t->evidence);
}

void
breach_measure(struct breach_text *t, int64_t actual, int64_t limit,
    int (*add)(struct buf *b, int64_t value), const char *unit)
{
	add(&t->actual, actual);
	add(&t->limit, limit);
	if (strcmp(buf_text(&t->actual), buf_text(&t->limit)) != 0)
		return;
	buf_truncate(&t->actual, 0);
	buf_truncate(&t->limit, 0);
	buf_printf(&t->actual, "%" PRId64 " %s", actual, unit);
	buf_printf(&t->limit, "%" PRId64 " %s", limit, unit);
}

int
findings_add_text(
    struct findings *out, struct breach *b, const struct breach_text *t)
{
	if (buf_failed(&t->actual) || buf_failed(&t->limit) ||
	    buf_failed(&t->message) || buf_failed(&t->evidence))
		return -1;
	if (t->actual.len > 0)
		b->actual = buf_text(&t->actual);
	if (t->limit.len > 0)
		b->limit = buf_text(&t->limit);
	if (t->message.len > 0)
		b->message = buf_text(&t->message);
	if (t->evidence.len > 0)
		b->evidence = buf_text(&t->evidence);
	return findings_add(out, b);
}

enum on_error
findings_effect(const struct plan *p, const struct plan_image *image,
    const struct rule *rule)
{
	const enum on_error wanted = p->rules->on_error;
	bool waived;

	find_waiver(p, image, rule, &waived);
	if (waived || rule->mode == MODE_AUDIT)
		return ON_ERROR_ALLOW;
	if (rule->mode == MODE_WARN && wanted == ON_ERROR_DENY)
		return ON_ERROR_WARN;
	return wanted;
}

bool
demand_applies(const struct demand *d, const struct container *c)
{
	return !d->key->needs_process || c->type != CONTAINER_IMAGE_VOLUME;
}

bool
rule_needs_facts(const struct rule *r, const struct container *c)
{
	size_t i;

	for (i = 0; r->needs_facts && i < r->ndemands; i++)
		if (r->demands[i].key->needs_facts &&
		    demand_applies(&r->demands[i], c))
			return true;
	return false;
}

int
findings_fault(struct findings *out, const struct fault *fault)
{
	const enum on_error effect =
	    findings_effect(out->plan, out->image, out->rule);

	if (out->fault.code != NULL && effect >= out->on_error)
		return 0;
	out->fault = *fault;
	out->fault.message = keep_text(out->mem, fault->message, FAULT_MAX);
	out->on_error = effect;
	return out->fault.message == NULL ? -1 : 0;
}

static int
rank(const struct finding *f)
{
	return f->waived ? MODE_AUDIT + 1 : (int)f->rule->mode;
}

const struct finding *
findings_sorted(const struct findings *f)
{
	struct finding *sorted = arena_calloc(f->mem, f->n, sizeof(*sorted));
	size_t i, n = 0;
	int r;

	for (r = MODE_ENFORCE; sorted != NULL && r <= MODE_AUDIT + 1; r++)
		for (i = 0; i < f->n; i++)
			if (rank(&f->items[i].finding) == r)
				sorted[n++] = f->items[i].finding;
	return sorted;
}
