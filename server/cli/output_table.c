/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/output.h"
#include "server/cli/term.h"

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

enum { CELL_MAX = 1024 };

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
					     : mode_name(f->rule->mode);
}

static void
print_finding(const struct term *t, const struct finding *f)
{
	fprintf(t->out, "       %-6s %s (%s", effect(f), f->message, f->check);
	if (f->platform[0] != '\0')
		fprintf(t->out, " on %s", f->platform);
	fprintf(t->out, "; rule %s", f->rule->name);
	if (f->rule->owner[0] != '\0') {
		fputs(", owner ", t->out);
		term_text(t, f->rule->owner, CELL_MAX);
	}
	fputs(")\n", t->out);
	if (f->evidence[0] != '\0')
		fprintf(t->out, "              %s\n", f->evidence);
	if (f->fix[0] != '\0')
		fprintf(t->out, "              fix: %s\n", f->fix);
}

static void
print_place(
    const struct term *t, const struct workload *w, const struct container *c)
{
	if (w->source == NULL)
		return;
	fputs("       ", t->out);
	term_text(t, w->source, CELL_MAX);
	fputc(' ', t->out);
	term_text(t, w->kind, CELL_MAX);
	fputc(' ', t->out);
	if (w->namespace[0] != '\0') {
		term_text(t, w->namespace, CELL_MAX);
		fputc('/', t->out);
	}
	term_text(t, w->name[0] != '\0' ? w->name : "(no name)", CELL_MAX);
	fprintf(t->out, " %s ", c->path);
	if (c->name[0] != '\0') {
		fputc('(', t->out);
		term_text(t, c->name, CELL_MAX);
		fputc(')', t->out);
	}
	fputc('\n', t->out);
}

static void
print_image(const struct term *t, const struct workload *w,
    const struct report_image *img)
{
	size_t i;

	print_verdict(t, img->verdict);
	fputs("  ", t->out);
	term_text(t, img->container->image, CELL_MAX);
	fputs(img->judged ? "\n" : "  (no rule asks)\n", t->out);
	print_place(t, w, img->container);
	if (img->fault.code != NULL)
		fprintf(t->out, "       %s: %s\n", img->fault.code,
		    img->fault.message);
	for (i = 0; i < img->nfindings; i++)
		print_finding(t, &img->findings[i]);
}

int
output_table(const void *results, FILE *out)
{
	const struct results *r = results;
	struct term t;
	AUTO(buf_clear) struct buf summary = BUF_INIT(COMPLAINT_TEXT_MAX);
	const struct report *report;
	size_t i, j, images = 0;

	term_init(&t, out);
	for (i = 0; i < r->n; i++) {
		report = r->reports[i];
		for (j = 0; j < report->nimages; j++)
			print_image(
			    &t, report->plan->workload, &report->images[j]);
		images += report->nimages;
	}
	if (output_summary(r, &summary) != 0)
		return -1;
	fprintf(out, "%s%s\n", images > 0 ? "\n" : "", buf_text(&summary));
	return 0;
}
