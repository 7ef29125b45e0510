/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "policy/base/units.h"
#include "server/cli/rows.h"

#include <string.h>

/*
 * GitHub Flavored Markdown (https://github.github.com/gfm/), for a comment on
 * a pull request: a table of the images, the worst first, then what is wrong
 * with each. A comment that is longer than GitHub takes (65,536 characters)
 * would be none.
 */

enum { ROWS_MAX = 24 * 1024, FINDINGS_MAX = 36 * 1024 };

static const struct {
	const char *mark;
	const char *word;
} verdicts[] = {
    [VERDICT_NONE] = {"❓", "not judged"},
    [VERDICT_ALLOW] = {"✅", "allowed"},
    [VERDICT_WARN] = {"⚠️", "warned"},
    [VERDICT_DENY] = {"❌", "denied"},
    [VERDICT_ERROR] = {"❓", "not judged"},
};

/* As plain text in a paragraph or in the cell of a table. */
static int
put_text(FILE *out, const char *s)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);
	const char *p;

	if (text_sanitise(&b, s, COMPLAINT_TEXT_MAX) != 0)
		return -1;
	for (p = buf_text(&b); *p != '\0'; p++) {
		if (*p == '&')
			fputs("&amp;", out);
		else if (*p == '<')
			fputs("&lt;", out);
		else if (*p == '@')
			/* Nobody is to be notified. */
			fputs("&#64;", out);
		else if (strchr("\\`*_{}[]()#+!|>~$", *p) != NULL)
			fprintf(out, "\\%c", *p);
		else
			fputc(*p, out);
	}
	return 0;
}

/* Of an image: "Deployment shop/web (web.yaml:12)". */
static int
put_place(FILE *out, const struct row *row)
{
	const struct workload *w = row->of.report->plan->workload;
	AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);

	buf_printf(&b, "%s %s%s%s (", w->kind, w->namespace,
	    w->namespace[0] != '\0' ? "/" : "", w->name);
	if (output_line(&row->of, &b) != 0 || buf_puts(&b, ")") != 0)
		return -1;
	return put_text(out, buf_text(&b));
}

static int
put_places(FILE *out, const struct row *row)
{
	const struct row *first = row;

	for (; row != NULL; row = row->next) {
		if (row->of.report->plan->workload->source == NULL)
			continue;
		fputs(row != first ? ", " : "", out);
		if (put_place(out, row) != 0)
			return -1;
	}
	return 0;
}

static int
put_row(FILE *out, const struct row *row)
{
	const struct report_image *img = row->of.image;
	AUTO(buf_clear) struct buf size = BUF_INIT(64);

	fprintf(out, "| %s %s | ", verdicts[img->verdict].mark,
	    verdicts[img->verdict].word);
	if (put_text(out, img->container->image) != 0)
		return -1;
	if (row->largest != NULL && units_add_size(&size, row_cost(row)) != 0)
		return -1;
	fprintf(out, " | %s | ", buf_text(&size));
	if (put_places(out, row) != 0)
		return -1;
	fputs(" |\n", out);
	return 0;
}

/* A line of its own in an item of a list. */
static int
put_line(FILE *out, const char *before, const char *text)
{
	if (text[0] == '\0')
		return 0;
	fprintf(out, "\\\n  *%s:* ", before);
	return put_text(out, text);
}

static int
tell(void *arg, const struct complaint *c)
{
	static const char *const marks[] = {
	    [LEVEL_NOTE] = "ℹ️",
	    [LEVEL_WARNING] = "⚠️",
	    [LEVEL_ERROR] = "❌",
	};
	AUTO(buf_clear)
	struct buf text = BUF_INIT(COMPLAINT_TEXT_MAX),
		   waiver = BUF_INIT(COMPLAINT_TEXT_MAX);
	const struct finding *f = c->finding;
	FILE *out = arg;

	fprintf(out, "- %s **%s%s%s** ", marks[complaint_level(c)],
	    complaint_rule(c), complaint_rule(c)[0] != '\0' ? "/" : "",
	    complaint_check(c));
	if (complaint_message(c, &text) != 0 ||
	    complaint_waiver(c, &waiver) != 0 ||
	    put_text(out, buf_text(&text)) != 0)
		return -1;
	if (f != NULL &&
	    (put_line(out, "Waived until", buf_text(&waiver)) != 0 ||
		put_line(out, "Evidence", f->evidence) != 0 ||
		put_line(out, "Fix", f->fix) != 0 ||
		put_line(out, "Owner", f->rule->owner) != 0))
		return -1;
	fputc('\n', out);
	return 0;
}

static int
put_image(FILE *out, const struct row *row)
{
	if (row->of.image->nfindings == 0 && row->of.image->fault.code == NULL)
		return 0;
	fprintf(out, "\n#### %s ", verdicts[row->of.image->verdict].mark);
	if (put_text(out, row->of.image->container->image) != 0)
		return -1;
	fputs("\n\n", out);
	return complaint_each(&row->of, tell, out);
}

/* Each once, as far as `max` bytes go. */
static int
put_each(FILE *out, const struct row *rows, size_t n, size_t max,
    int (*put)(FILE *out, const struct row *row))
{
	size_t i, left = 0, size = 0;

	for (i = 0; i < n; i++) {
		AUTO(free) char *text = NULL;
		FILE *to;
		size_t len;
		int rc;

		if (rows[i].is_below)
			continue;
		to = open_memstream(&text, &len);
		if (to == NULL)
			return -1;
		rc = put(to, &rows[i]);
		if (fclose(to) != 0 || rc != 0)
			return -1;
		size += len;
		if (size <= max)
			fputs(text, out);
		else
			left++;
	}
	if (left > 0)
		fprintf(out,
		    "\n%zu image%s more: the text would be too long.\n", left,
		    left == 1 ? "" : "s");
	return 0;
}

int
output_markdown(const void *results, FILE *out)
{
	const struct results *r = results;
	AUTO(buf_clear) struct buf summary = BUF_INIT(COMPLAINT_TEXT_MAX);
	size_t n;
	AUTO(free) struct row *rows = rows_make(r, row_by_verdict, &n);

	if (rows == NULL || output_summary(r, &summary) != 0)
		return -1;
	fprintf(out, "### %s policy-gate: %s\n\n", verdicts[r->verdict].mark,
	    verdicts[r->verdict].word);
	if (put_text(out, buf_text(&summary)) != 0)
		return -1;
	fputs("\n\n| | image | size | in |\n|---|---|--:|---|\n", out);
	if (put_each(out, rows, n, ROWS_MAX, put_row) != 0)
		return -1;
	return put_each(out, rows, n, FINDINGS_MAX, put_image);
}
