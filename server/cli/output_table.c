/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "server/cli/output.h"

enum { CELL_MAX = 4096 };

struct table {
	FILE *out;
	bool colour;
};

static const struct style {
	const char *word;
	const char *colour;
} styles[] = {
    [VERDICT_NONE] = {"ERROR", "35"},
    [VERDICT_ALLOW] = {"ALLOW", "32"},
    [VERDICT_WARN] = {"WARN", "33"},
    [VERDICT_DENY] = {"DENY", "31"},
    [VERDICT_ERROR] = {"ERROR", "35"},
};

static void
print_verdict(const struct table *t, enum verdict v)
{
	if (t->colour)
		fprintf(t->out, "\033[1;%sm%-5s\033[0m", styles[v].colour,
		    styles[v].word);
	else
		fprintf(t->out, "%-5s", styles[v].word);
}

/* Text of a manifest's author, made safe for a terminal. */
static void
print_safe(const struct table *t, const char *s)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(CELL_MAX);

	text_sanitise(&b, s, CELL_MAX / 2);
	fputs(buf_text(&b), t->out);
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
print_finding(const struct table *t, const struct finding *f)
{
	fprintf(t->out, "       %-6s %s (%s", effect(f), f->message, f->check);
	if (f->platform[0] != '\0')
		fprintf(t->out, " on %s", f->platform);
	fprintf(t->out, "; rule %s", f->rule->name);
	if (f->rule->owner[0] != '\0') {
		fputs(", owner ", t->out);
		print_safe(t, f->rule->owner);
	}
	fputs(")\n", t->out);
	if (f->evidence[0] != '\0')
		fprintf(t->out, "              %s\n", f->evidence);
	if (f->fix[0] != '\0')
		fprintf(t->out, "              fix: %s\n", f->fix);
}

static void
print_place(
    const struct table *t, const struct workload *w, const struct container *c)
{
	if (w->source == NULL)
		return;
	fputs("       ", t->out);
	print_safe(t, w->source);
	fputc(' ', t->out);
	print_safe(t, w->kind);
	fputc(' ', t->out);
	if (w->namespace[0] != '\0') {
		print_safe(t, w->namespace);
		fputc('/', t->out);
	}
	print_safe(t, w->name[0] != '\0' ? w->name : "(no name)");
	fprintf(t->out, " %s ", c->path);
	if (c->name[0] != '\0') {
		fputc('(', t->out);
		print_safe(t, c->name);
		fputc(')', t->out);
	}
	fputc('\n', t->out);
}

static void
print_image(const struct table *t, const struct workload *w,
    const struct report_image *img)
{
	size_t i;

	print_verdict(t, img->verdict);
	fputs("  ", t->out);
	print_safe(t, img->container->image);
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
	const struct table t = {.out = out, .colour = output_colour(out)};
	AUTO(buf_clear) struct buf summary = BUF_INIT(COMPLAINT_TEXT_MAX);
	const struct report *report;
	size_t i, j, images = 0;

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
