/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/output.h"

#include "policy/base/text.h"

#include <string.h>

enum { NAME_BYTES_MAX = 512 };

int
complaint_each(const struct complaint *of,
    int (*tell)(void *arg, const struct complaint *c), void *arg)
{
	struct complaint c = *of;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c.image->nfindings; i++) {
		c.finding = &c.image->findings[i];
		rc = tell(arg, &c);
	}
	c.finding = NULL;
	return rc == 0 && c.image->fault.code != NULL ? tell(arg, &c) : rc;
}

int
output_each(const struct results *r,
    int (*tell)(void *arg, const struct complaint *c), void *arg)
{
	struct complaint c = {.results = r};
	size_t i, j;
	int rc;

	for (i = 0; i < r->n; i++) {
		c.report = r->reports[i];
		for (j = 0; j < c.report->nimages; j++) {
			c.image = &c.report->images[j];
			rc = complaint_each(&c, tell, arg);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

enum level
complaint_level(const struct complaint *c)
{
	static const enum level of_mode[] = {
	    [MODE_ENFORCE] = LEVEL_ERROR,
	    [MODE_WARN] = LEVEL_WARNING,
	    [MODE_AUDIT] = LEVEL_NOTE,
	};
	static const enum level of_error[] = {
	    [ON_ERROR_DENY] = LEVEL_ERROR,
	    [ON_ERROR_WARN] = LEVEL_WARNING,
	    [ON_ERROR_ALLOW] = LEVEL_NOTE,
	};

	if (c->finding == NULL)
		return of_error[c->image->on_error];
	return c->finding->waived ? LEVEL_NOTE
				  : of_mode[c->finding->rule->mode];
}

const char *
complaint_check(const struct complaint *c)
{
	return c->finding != NULL ? c->finding->check : c->image->fault.code;
}

const char *
complaint_rule(const struct complaint *c)
{
	return c->finding != NULL ? c->finding->rule->name : "";
}

int
complaint_message(const struct complaint *c, struct buf *b)
{
	const struct finding *f = c->finding;

	if (f == NULL)
		return text_sanitise(
		    b, c->image->fault.message, COMPLAINT_TEXT_MAX / 2);
	if (c->image->nplatforms > 1 && f->platform[0] != '\0')
		buf_printf(b, "%s: ", f->platform);
	return buf_puts(b, f->message);
}

int
complaint_text(const struct complaint *c, struct buf *b)
{
	const struct finding *f = c->finding;

	text_sanitise(b, c->image->container->image, NAME_BYTES_MAX);
	buf_puts(b, f == NULL ? " could not be judged: " : ": ");
	complaint_message(c, b);
	buf_puts(b, ".");
	if (f == NULL)
		return buf_failed(b) ? -1 : 0;
	if (f->evidence[0] != '\0')
		buf_printf(b, " Evidence: %s.", f->evidence);
	if (f->fix[0] != '\0')
		buf_printf(b, " Fix: %s.", f->fix);
	if (f->rule->owner[0] != '\0') {
		buf_puts(b, " Owner: ");
		text_sanitise(b, f->rule->owner, NAME_BYTES_MAX);
		buf_puts(b, ".");
	}
	return buf_failed(b) ? -1 : 0;
}

int
complaint_waiver(const struct complaint *c, struct buf *b)
{
	const struct waiver *w;

	if (c->finding == NULL || !c->finding->waived)
		return 0;
	w = c->finding->waiver;
	buf_printf(b, "%s, ", w->expires_on);
	text_sanitise(b, w->owner, NAME_BYTES_MAX);
	buf_puts(b, ": ");
	return text_sanitise(b, w->reason, COMPLAINT_TEXT_MAX / 2);
}

bool
complaint_place(const struct complaint *c, struct buf *file, int *line)
{
	const char *source = c->report->plan->workload->source, *colon;

	*line = c->image->container->line > 0 ? c->image->container->line : 1;
	if (source == NULL)
		return c->results->dockerfile != NULL &&
		       buf_puts(file, c->results->dockerfile) == 0;
	colon = strrchr(source, ':');
	return buf_add(file, source,
		   colon != NULL ? (size_t)(colon - source) : strlen(source)) ==
	       0;
}

/* Without tag and digest, where it parses. */
static const char *
image_name(const struct complaint *c)
{
	const struct plan_image *pi =
	    &c->report->plan->images[c->image - c->report->images];

	return pi->parsed ? pi->ref.name : c->image->container->image;
}

int
complaint_fingerprint(
    const struct complaint *c, char text[static DIGEST_TEXT_MAX])
{
	const struct workload *w = c->report->plan->workload;
	const char *const parts[] = {complaint_check(c), complaint_rule(c),
	    w->kind, w->namespace, w->name, c->image->container->name,
	    image_name(c)};
	AUTO(digest_free) struct digest *d = NULL;
	struct error err = ERROR_INIT;
	size_t i;

	d = digest_new("sha256:", &err);
	if (d == NULL)
		return -1;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (digest_update(d, parts[i], strlen(parts[i]) + 1, &err) != 0)
			return -1;
	return digest_finish(d, text, &err);
}

static bool
same_finding(const struct finding *a, const struct finding *b)
{
	return a->rule == b->rule && a->waived == b->waived &&
	       strcmp(a->check, b->check) == 0 &&
	       strcmp(a->platform, b->platform) == 0 &&
	       strcmp(a->message, b->message) == 0 &&
	       strcmp(a->evidence, b->evidence) == 0;
}

bool
output_same(const struct report_image *a, const struct report_image *b)
{
	const char *x = a->fault.code, *y = b->fault.code;
	size_t i;

	if (a->nfindings != b->nfindings || a->verdict != b->verdict ||
	    strcmp(x != NULL ? x : "", y != NULL ? y : "") != 0)
		return false;
	for (i = 0; i < a->nfindings; i++)
		if (!same_finding(&a->findings[i], &b->findings[i]))
			return false;
	return true;
}

int
output_line(const struct complaint *of, struct buf *b)
{
	AUTO(buf_clear) struct buf file = BUF_INIT(COMPLAINT_TEXT_MAX);
	int line;

	complaint_place(of, &file, &line);
	text_sanitise(b, buf_text(&file), NAME_BYTES_MAX);
	return buf_printf(b, ":%d", line);
}

const struct report_platform *
output_largest(const struct report_image *img)
{
	const struct report_platform *p, *largest = NULL;
	size_t i;

	for (i = 0; i < img->nplatforms; i++) {
		p = &img->platforms[i];
		if (largest == NULL || p->image->size > largest->image->size)
			largest = p;
	}
	return largest;
}

enum verdict
output_worse(enum verdict a, enum verdict b)
{
	/* DENY above ERROR: a rejection is certain, an error may pass. */
	static const int rank[] = {[VERDICT_NONE] = 4,
	    [VERDICT_ALLOW] = 0,
	    [VERDICT_WARN] = 1,
	    [VERDICT_ERROR] = 2,
	    [VERDICT_DENY] = 3};

	return rank[a] >= rank[b] ? a : b;
}

int
output_summary(const struct results *r, struct buf *b)
{
	size_t counts[VERDICT_ERROR + 1] = {0}, i, j, images = 0, lenient = 0;

	for (i = 0; i < r->n; i++) {
		images += r->reports[i]->nimages;
		for (j = 0; j < r->reports[i]->nimages; j++) {
			const struct report_image *img =
			    &r->reports[i]->images[j];

			counts[img->verdict]++;
			lenient += img->fault.code != NULL &&
				   (img->verdict == VERDICT_WARN ||
				       img->verdict == VERDICT_ALLOW);
		}
	}
	buf_printf(b,
	    "%zu image%s: %zu denied, %zu not judged, %zu warned, %zu allowed",
	    images, images == 1 ? "" : "s", counts[VERDICT_DENY],
	    counts[VERDICT_ERROR], counts[VERDICT_WARN], counts[VERDICT_ALLOW]);
	if (lenient > 0)
		buf_printf(b,
		    "; %zu of them could not be judged, which "
		    "the policy lets pass",
		    lenient);
	return buf_printf(
	    b, ". Policy: %s (%s)", r->policy->name, r->policy_path);
}
