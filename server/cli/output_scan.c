/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "server/cli/formats.h"
#include "server/cli/output.h"
#include "server/cli/term.h"

#include <string.h>

/*
 * What a roll-out would meet: not each finding, but how many workloads each
 * rule and each owner has to do with, and the worst images first.
 */

enum { WORST = 10, NAME_COLUMNS = 28, SIZE_COLUMNS = 10 };

/* Of a rule, or of all rules of an owner. */
struct tally {
	const char *name;
	const struct rule *rule; /* NULL: an owner's */
	size_t workloads;
	size_t images;
	size_t last_workload; /* counted, from 1 */
	size_t last_image;
};

/* A reference, wherever it stands. */
struct worst {
	const char *image;
	size_t findings;
	size_t places;
	int64_t size;
};

struct scan {
	const struct results *results;
	struct tally *rules; /* as the policy has them, then sorted */
	struct tally *owners;
	size_t nowners;
	struct worst *worst;
	size_t nworst;
	size_t images;
	size_t unjudged; /* of the images */
	const struct report_image *first_unjudged;
	size_t rejected; /* workloads, by the policy as it is */
	size_t touched;  /* workloads with any finding in effect, or an error */
};

static void
count(struct tally *t, size_t workload, size_t image)
{
	t->workloads += t->last_workload != workload;
	t->images += t->last_image != image;
	t->last_workload = workload;
	t->last_image = image;
}

static struct tally *
owner(struct scan *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nowners; i++)
		if (strcmp(s->owners[i].name, name) == 0)
			return &s->owners[i];
	s->owners[s->nowners].name = name;
	return &s->owners[s->nowners++];
}

/* Returns how many findings are in effect. */
static size_t
scan_image(struct scan *s, size_t workload, const struct report_image *img)
{
	const struct report_platform *largest = output_largest(img);
	struct worst *w = &s->worst[s->nworst++];
	size_t i;

	s->images++;
	if (img->fault.code != NULL && s->unjudged++ == 0)
		s->first_unjudged = img;
	*w = (struct worst){.image = img->container->image,
	    .places = 1,
	    .size = largest != NULL ? largest->image->size : 0};
	for (i = 0; i < img->nfindings; i++) {
		const struct rule *rule = img->findings[i].rule;

		if (img->findings[i].waived)
			continue;
		w->findings++;
		count(&s->rules[rule - s->results->policy->rules], workload,
		    s->images);
		count(owner(s, rule->owner), workload, s->images);
	}
	return w->findings;
}

static int
by_name(const void *a, const void *b)
{
	const struct worst *x = a, *y = b;

	return strcmp(x->image, y->image);
}

static int
by_findings(const void *a, const void *b)
{
	const struct worst *x = a, *y = b;

	if (x->findings != y->findings)
		return x->findings > y->findings ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return by_name(a, b);
}

static int
by_workloads(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	if (x->workloads != y->workloads)
		return x->workloads > y->workloads ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* One entry for each reference; what it fails most in counts. */
static void
merge(struct scan *s)
{
	size_t i, n = 0;

	qsort(s->worst, s->nworst, sizeof(*s->worst), by_name);
	for (i = 0; i < s->nworst; i++) {
		struct worst *w = &s->worst[i], *to = &s->worst[n - (n > 0)];

		if (n == 0 || by_name(w, to) != 0) {
			s->worst[n++] = *w;
			continue;
		}
		to->places++;
		if (w->findings > to->findings)
			to->findings = w->findings;
	}
	s->nworst = n;
	qsort(s->worst, s->nworst, sizeof(*s->worst), by_findings);
}

static void
scan_clear(struct scan *s)
{
	free(s->rules);
	free(s->owners);
	free(s->worst);
}

static int
scan_alloc(struct scan *s, const struct results *r)
{
	size_t i, images = 0;

	for (i = 0; i < r->n; i++)
		images += r->reports[i]->nimages;
	*s = (struct scan){.results = r};
	s->rules = calloc(r->policy->nrules + 1, sizeof(*s->rules));
	s->owners = calloc(r->policy->nrules + 1, sizeof(*s->owners));
	s->worst = calloc(images + 1, sizeof(*s->worst));
	if (s->rules == NULL || s->owners == NULL || s->worst == NULL)
		return -1;
	for (i = 0; i < r->policy->nrules; i++) {
		s->rules[i].name = r->policy->rules[i].name;
		s->rules[i].rule = &r->policy->rules[i];
	}
	return 0;
}

static int
scan(struct scan *s, const struct results *r)
{
	size_t i, k, findings;

	if (scan_alloc(s, r) != 0)
		return -1;
	for (i = 0; i < r->n; i++) {
		const struct report *report = r->reports[i];
		const bool rejected = report->verdict == VERDICT_DENY ||
				      report->verdict == VERDICT_ERROR;

		findings = 0;
		for (k = 0; k < report->nimages; k++)
			findings += scan_image(s, i + 1, &report->images[k]);
		s->rejected += rejected;
		s->touched += rejected || findings > 0;
	}
	qsort(s->rules, r->policy->nrules, sizeof(*s->rules), by_workloads);
	qsort(s->owners, s->nowners, sizeof(*s->owners), by_workloads);
	merge(s);
	return 0;
}

static void
print_title(const struct term *t, const char *title, const char *last)
{
	fputc('\n', t->out);
	term_bold(t, 0);
	fprintf(t->out, "%-*s%10s%8s%s\n", NAME_COLUMNS, title, "workloads",
	    "images", last);
	term_plain(t);
}

static void
print_tally(const struct term *t, const struct tally *y)
{
	const char *name = y->name[0] != '\0' ? y->name : "(nobody)";
	AUTO(buf_clear) struct buf b = BUF_INIT(TERM_TEXT_MAX);

	text_sanitise(&b, name, NAME_COLUMNS);
	fprintf(t->out, "%-*s%10zu%8zu", NAME_COLUMNS, buf_text(&b),
	    y->workloads, y->images);
	if (y->rule != NULL) {
		fprintf(t->out, "  %s", mode_names[y->rule->mode]);
		fputs(y->rule->owner[0] != '\0' ? ", " : "", t->out);
		term_text(t, y->rule->owner, TERM_TEXT_MAX);
	}
	fputc('\n', t->out);
}

static void
print_worst(const struct term *t, const struct scan *s)
{
	size_t i;

	fputc('\n', t->out);
	term_bold(t, 0);
	fprintf(t->out, "%8s%*s%8s  worst images\n", "findings", SIZE_COLUMNS,
	    "size", "places");
	term_plain(t);
	for (i = 0; i < s->nworst && i < WORST && s->worst[i].findings > 0;
	     i++) {
		fprintf(t->out, "%8zu", s->worst[i].findings);
		term_size(t, s->worst[i].size, SIZE_COLUMNS);
		fprintf(t->out, "%8zu  ", s->worst[i].places);
		term_text(t, s->worst[i].image, TERM_TEXT_MAX);
		fputc('\n', t->out);
	}
}

/* What was not looked at would be taken for what is fine. */
static void
print_unjudged(const struct term *t, const struct scan *s)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);

	if (s->unjudged == 0)
		return;
	buf_printf(&b, "%zu image%s could not be judged, the first for this: ",
	    s->unjudged, s->unjudged == 1 ? "" : "s");
	text_sanitise(&b, s->first_unjudged->container->image, TERM_TEXT_MAX);
	buf_printf(&b, ": %s: ", s->first_unjudged->fault.code);
	text_sanitise(&b, s->first_unjudged->fault.message, TERM_TEXT_MAX);
	term_wrap(t, buf_text(&b), 0, 0);
}

int
output_scan(const void *results, FILE *out)
{
	const struct results *r = results;
	struct scan s;
	struct term t;
	AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);
	size_t i;
	int rc = scan(&s, r);

	term_init(&t, out);
	if (rc == 0) {
		buf_printf(&b,
		    "%zu workload%s with %zu images, %zu distinct: %zu would "
		    "be rejected by the policy as it is, %zu if all of it were "
		    "enforced. Policy: %s (%s)",
		    r->n, r->n == 1 ? "" : "s", s.images, s.nworst, s.rejected,
		    s.touched, r->policy->name, r->policy_path);
		term_wrap(&t, buf_text(&b), 0, 0);
		print_unjudged(&t, &s);
		print_title(&t, "rule", "  mode, owner");
		for (i = 0; i < r->policy->nrules; i++)
			print_tally(&t, &s.rules[i]);
		print_title(&t, "owner", "");
		for (i = 0; i < s.nowners; i++)
			print_tally(&t, &s.owners[i]);
		print_worst(&t, &s);
	}
	scan_clear(&s);
	return rc;
}

static json_t *
text_json(const char *text)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TERM_TEXT_MAX);

	return text_sanitise(&b, text, TERM_TEXT_MAX) == 0
		   ? json_string(buf_text(&b))
		   : NULL;
}

static json_t *
tallies_json(const struct tally *items, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++) {
		json_t *o = json_pack("{s:o, s:I, s:I}", "name",
		    text_json(items[i].name), "workloads",
		    (json_int_t)items[i].workloads, "images",
		    (json_int_t)items[i].images);

		if (o != NULL && items[i].rule != NULL) {
			json_object_set_new(o, "mode",
			    json_string(mode_names[items[i].rule->mode]));
			json_object_set_new(
			    o, "owner", text_json(items[i].rule->owner));
		}
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
worst_json(const struct scan *s)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < s->nworst; i++)
		json_array_append_new(
		    list, json_pack("{s:o, s:I, s:I, s:I}", "reference",
			      text_json(s->worst[i].image), "findings",
			      (json_int_t)s->worst[i].findings, "size",
			      (json_int_t)s->worst[i].size, "places",
			      (json_int_t)s->worst[i].places));
	return list;
}

int
output_scan_json(const void *results, FILE *out)
{
	const struct results *r = results;
	json_t *root = NULL;
	struct scan s;

	if (scan(&s, r) == 0)
		root = json_pack(
		    "{s:i, s:{s:s, s:s}, s:I, s:I, s:I, s:I, s:I, s:o, s:o, "
		    "s:o}",
		    "version", 1, "policy", "name", r->policy->name, "sha256",
		    r->policy->sha256, "workloads", (json_int_t)r->n, "images",
		    (json_int_t)s.images, "unjudged", (json_int_t)s.unjudged,
		    "rejected", (json_int_t)s.rejected, "rejectedIfEnforced",
		    (json_int_t)s.touched, "rules",
		    tallies_json(s.rules, r->policy->nrules), "owners",
		    tallies_json(s.owners, s.nowners), "worst", worst_json(&s));
	scan_clear(&s);
	return formats_json(root, out);
}
