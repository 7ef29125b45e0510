/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "policy/base/units.h"
#include "server/cli/output.h"

#include <string.h>

/*
 * GitHub Flavored Markdown (https://github.github.com/gfm/), for a comment on
 * a pull request: a table of the images, then what is wrong with each.
 */

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

static int
put_size(FILE *out, const struct report_image *img)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(64);
	int64_t most = 0;
	size_t i;

	if (img->nplatforms == 0)
		return 0;
	for (i = 0; i < img->nplatforms; i++)
		if (img->platforms[i].image->size > most)
			most = img->platforms[i].image->size;
	if (units_add_size(&b, most) != 0)
		return -1;
	fputs(buf_text(&b), out);
	return 0;
}

static int
put_row(FILE *out, const struct report *r, const struct report_image *img)
{
	const struct workload *w = r->plan->workload;

	fprintf(out, "| %s %s | ", verdicts[img->verdict].mark,
	    verdicts[img->verdict].word);
	if (put_text(out, img->container->image) != 0)
		return -1;
	fputs(" | ", out);
	if (put_size(out, img) != 0)
		return -1;
	fputs(" | ", out);
	if (w->source != NULL &&
	    (put_text(out, w->kind) != 0 || fputc(' ', out) == EOF ||
		put_text(out, w->name) != 0))
		return -1;
	fputs(" |\n", out);
	return 0;
}

static int
tell(void *arg, const struct complaint *c)
{
	static const char *const marks[] = {
	    [LEVEL_NOTE] = "ℹ️",
	    [LEVEL_WARNING] = "⚠️",
	    [LEVEL_ERROR] = "❌",
	};
	AUTO(buf_clear) struct buf text = BUF_INIT(COMPLAINT_TEXT_MAX);
	FILE *out = arg;

	if (complaint_text(c, &text) != 0)
		return -1;
	fprintf(out, "- %s **%s%s%s** ", marks[complaint_level(c)],
	    complaint_rule(c), complaint_rule(c)[0] != '\0' ? "/" : "",
	    complaint_check(c));
	if (put_text(out, buf_text(&text)) != 0)
		return -1;
	fputc('\n', out);
	return 0;
}

int
output_markdown(const void *results, FILE *out)
{
	const struct results *r = results;
	AUTO(buf_clear) struct buf summary = BUF_INIT(COMPLAINT_TEXT_MAX);
	const struct report *report;
	size_t i, j;

	fprintf(out, "### %s policy-gate: %s\n\n", verdicts[r->verdict].mark,
	    verdicts[r->verdict].word);
	if (output_summary(r, &summary) != 0 ||
	    put_text(out, buf_text(&summary)) != 0)
		return -1;
	fputs("\n\n| | image | size | in |\n|---|---|--:|---|\n", out);
	for (i = 0; i < r->n; i++) {
		report = r->reports[i];
		for (j = 0; j < report->nimages; j++)
			if (put_row(out, report, &report->images[j]) != 0)
				return -1;
	}
	fputc('\n', out);
	return output_each(r, tell, out);
}
