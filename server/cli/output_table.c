/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "server/cli/output.h"
#include "server/cli/term.h"

#include <string.h>

static const struct style {
	const char *word;
	int colour;
} styles[] = {
    [VERDICT_NONE] = {"ERROR", 35},
    [VERDICT_ALLOW] = {"ALLOW", 32},
    [VERDICT_WARN] = {"WARN", 33},
    [VERDICT_DENY] = {"DENY", 31},
    [VERDICT_ERROR] = {"ERROR", 35},
};

/* While it is written. */
struct table {
	struct term term;
	/* Images with findings, the first of each reference ... */
	struct complaint *items;
	size_t n;
	json_t *seen; /* ... and their places here, by their reference */
};

static const char *const containers[] = {
    [CONTAINER_REGULAR] = "container",
    [CONTAINER_INIT] = "init container",
    [CONTAINER_EPHEMERAL] = "ephemeral container",
    [CONTAINER_IMAGE_VOLUME] = "image volume",
};

/* Where the text about an image, and about a finding, begins. */
enum { IMAGE_COLUMN = 7, FINDING_COLUMN = 14, NAME_MAX_BYTES = 1024 };

static void
print_verdict(const struct term *t, enum verdict v)
{
	term_bold(t, styles[v].colour);
	fprintf(t->out, "%-5s", styles[v].word);
	term_plain(t);
}

/* What the rule makes of it: "deny", not "enforce", to those it stops. */
static const char *
effect(const struct finding *f)
{
	if (f->waived)
		return "waived";
	return f->rule->mode == MODE_ENFORCE ? "deny"
					     : mode_names[f->rule->mode];
}

/* Words that stand below an image, from this column on. */
static void
print_words(const struct term *t, const struct buf *words, int column)
{
	fprintf(t->out, "%*s", column, "");
	term_wrap(t, buf_text(words), column, column);
}

static void
print_finding(const struct term *t, const struct complaint *c)
{
	const struct finding *f = c->finding;
	AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);
	const char *word = effect(f);

	fprintf(t->out, "%*s", IMAGE_COLUMN, "");
	if (!f->waived && f->rule->mode != MODE_AUDIT)
		term_bold(t, f->rule->mode == MODE_ENFORCE
				 ? styles[VERDICT_DENY].colour
				 : styles[VERDICT_WARN].colour);
	fputs(word, t->out);
	term_plain(t);
	fprintf(t->out, "%*s",
	    FINDING_COLUMN - IMAGE_COLUMN - (int)strlen(word), "");
	buf_printf(&b, "%s (%s", f->message, f->check);
	if (f->platform[0] != '\0')
		buf_printf(&b, " on %s", f->platform);
	buf_printf(&b, "; rule %s", f->rule->name);
	if (f->rule->owner[0] != '\0') {
		buf_puts(&b, ", owner ");
		text_sanitise(&b, f->rule->owner, NAME_MAX_BYTES);
	}
	buf_puts(&b, ")");
	term_wrap(t, buf_text(&b), FINDING_COLUMN, FINDING_COLUMN);
	buf_truncate(&b, 0);
	if (f->waived && buf_puts(&b, "until ") == 0 &&
	    complaint_waiver(c, &b) == 0)
		print_words(t, &b, FINDING_COLUMN);
	buf_truncate(&b, 0);
	if (buf_puts(&b, f->evidence) == 0 && b.len > 0)
		print_words(t, &b, FINDING_COLUMN);
	buf_truncate(&b, 0);
	if (f->fix[0] != '\0' && buf_printf(&b, "fix: %s", f->fix) == 0)
		print_words(t, &b, FINDING_COLUMN);
}

/* "web.yaml:21 Deployment shop/web, container app" */
static void
print_place(const struct term *t, const struct complaint *of)
{
	const struct workload *w = of->report->plan->workload;
	const struct container *c = of->image->container;
	AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);

	if (w->source == NULL)
		return;
	output_line(of, &b);
	buf_puts(&b, " ");
	text_sanitise(&b, w->kind, NAME_MAX_BYTES);
	buf_puts(&b, " ");
	text_sanitise(&b, w->namespace, NAME_MAX_BYTES);
	buf_puts(&b, w->namespace[0] != '\0' ? "/" : "");
	text_sanitise(
	    &b, w->name[0] != '\0' ? w->name : "(no name)", NAME_MAX_BYTES);
	buf_puts(&b, ", ");
	if (c->name[0] != '\0') {
		buf_printf(&b, "%s ", containers[c->type]);
		text_sanitise(&b, c->name, NAME_MAX_BYTES);
	} else {
		text_sanitise(&b, c->path, NAME_MAX_BYTES);
	}
	print_words(t, &b, IMAGE_COLUMN);
}

/* Where an image with the same findings is shown above, or NULL. Remembers
 * the first of each reference. */
static const struct complaint *
shown_above(struct table *table, const struct complaint *of)
{
	const char *name = of->image->container->image;
	const json_t *known = json_object_get(table->seen, name);
	const struct complaint *first;

	if (known == NULL) {
		table->items[table->n] = *of;
		json_object_set_new_nocheck(
		    table->seen, name, json_integer((json_int_t)table->n++));
		return NULL;
	}
	first = &table->items[json_integer_value(known)];
	return output_same(first->image, of->image) ? first : NULL;
}

/* Of what is wrong with an image, all or that it is known. */
static void
print_findings(struct table *table, const struct complaint *of)
{
	const struct complaint *above = shown_above(table, of);
	struct complaint c = *of;
	const struct report_image *img = of->image;
	AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);
	size_t i;

	for (i = 0; above == NULL && i < img->nfindings; i++) {
		c.finding = &img->findings[i];
		print_finding(&table->term, &c);
	}
	if (above == NULL)
		return;
	buf_printf(&b, "%zu finding%s as above", img->nfindings,
	    img->nfindings == 1 ? "" : "s");
	if (above->report->plan->workload->source != NULL) {
		buf_puts(&b, ", at ");
		output_line(above, &b);
	}
	print_words(&table->term, &b, IMAGE_COLUMN);
}

/* Of an image that nothing is wrong with nobody wants to know where it is. */
static void
print_image(struct table *table, const struct complaint *of)
{
	const struct term *t = &table->term;
	const struct report_image *img = of->image;
	AUTO(buf_clear) struct buf fault = BUF_INIT(COMPLAINT_TEXT_MAX);

	print_verdict(t, img->verdict);
	fputs("  ", t->out);
	term_text(t, img->container->image, NAME_MAX_BYTES);
	fputs(img->judged ? "\n" : "  (no rule asks)\n", t->out);
	if (img->fault.code != NULL || img->nfindings > 0)
		print_place(t, of);
	if (img->fault.code != NULL &&
	    buf_printf(&fault, "%s: %s", img->fault.code, img->fault.message) ==
		0)
		print_words(t, &fault, IMAGE_COLUMN);
	if (img->nfindings > 0)
		print_findings(table, of);
}

int
output_table(const void *results, FILE *out)
{
	const struct results *r = results;
	AUTO(buf_clear) struct buf summary = BUF_INIT(COMPLAINT_TEXT_MAX);
	AUTO(free) struct complaint *items = NULL;
	AUTO(json_decref) json_t *seen = json_object();
	struct complaint of = {.results = r};
	struct table table;
	size_t i, j, images = 0;

	for (i = 0; i < r->n; i++)
		images += r->reports[i]->nimages;
	items = calloc(images + 1, sizeof(*items));
	if (items == NULL || seen == NULL || output_summary(r, &summary) != 0)
		return -1;
	table = (struct table){.items = items, .seen = seen};
	term_init(&table.term, out);
	for (i = 0; i < r->n; i++) {
		of.report = r->reports[i];
		for (j = 0; j < of.report->nimages; j++) {
			of.image = &of.report->images[j];
			print_image(&table, &of);
		}
	}
	fputs(images > 0 ? "\n" : "", out);
	term_wrap(&table.term, buf_text(&summary), 0, 0);
	return 0;
}
