/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/units.h"
#include "policy/instruction.h"
#include "server/cli/rows.h"
#include "server/cli/xml.h"

#include <string.h>

/*
 * One page without any outside resource: images sorted by what they cost,
 * their layers as bars, findings with fixes. All text goes through xml_put().
 */

/* page.S */
extern const char page_style[], page_script[];

enum { INSTRUCTION_MAX = 300, SIZE_TEXT_MAX = 64 };

struct page {
	FILE *out;
	bool failed;  /* memory is out */
	int64_t most; /* what the largest image weighs */
};

static void
put(struct page *p, const char *before, const char *text, const char *after)
{
	fputs(before, p->out);
	if (xml_put(p->out, text) != 0)
		p->failed = true;
	fputs(after, p->out);
}

static void
put_size(struct page *p, int64_t bytes)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(SIZE_TEXT_MAX);

	if (units_add_size(&b, bytes) != 0)
		p->failed = true;
	fputs(buf_text(&b), p->out);
}

static void
put_bar(struct page *p, const struct report_platform *rp)
{
	const struct image *img = rp->image;
	size_t i;

	fprintf(p->out,
	    "<div class=\"bar\" aria-hidden=\"true\" "
	    "style=\"width:%.2f%%\">",
	    p->most > 0 ? (double)img->size * 100 / (double)p->most : 0.0);
	for (i = 0; i < img->nlayers; i++)
		fprintf(p->out, "<i%s style=\"flex:%.6f\"></i>",
		    i < rp->base_layers ? " class=\"base\"" : "",
		    img->size > 0
			? (double)img->layers[i].size / (double)img->size
			: 0.0);
	fputs("</div>", p->out);
}

static void
put_layer(struct page *p, const struct report_platform *rp, size_t layer)
{
	AUTO(buf_clear) struct buf made = BUF_INIT(INSTRUCTION_MAX + 8);
	const char *text = image_layer_instruction(rp->image, layer);

	if (text != NULL && instruction_add(&made, text, INSTRUCTION_MAX) != 0)
		p->failed = true;
	fprintf(p->out, "<tr%s><td>",
	    layer < rp->base_layers ? " class=\"base\"" : "");
	put_size(p, rp->image->layers[layer].size);
	put(p, "</td><td><code>", made.len > 0 ? buf_text(&made) : "?",
	    "</code></td></tr>");
}

static void
put_layers(struct page *p, const struct report_platform *rp)
{
	const struct image *img = rp->image;
	int64_t base = 0;
	size_t i;

	put_bar(p, rp);
	for (i = 0; i < rp->base_layers; i++)
		base += img->layers[i].size;
	fputs("<p class=\"soft\">", p->out);
	if (rp->base_layers > 0) {
		fputs("<span class=\"key base\">base ", p->out);
		put_size(p, base);
		put(p, " (", rp->base_name, ")</span>, ");
	}
	fputs("<span class=\"key\">", p->out);
	put_size(p, img->size - base);
	fputs(rp->base_layers > 0 ? " above it" : "", p->out);
	put(p, "</span>, compressed, ", rp->platform, "</p><details><summary>");
	fprintf(p->out, "%zu layer%s</summary><table class=\"layers\">",
	    img->nlayers, img->nlayers == 1 ? "" : "s");
	for (i = 0; i < img->nlayers; i++)
		put_layer(p, rp, i);
	fputs("</table></details>", p->out);
}

static const char *
effect(const struct complaint *c)
{
	static const char *const words[] = {
	    [LEVEL_NOTE] = "audit",
	    [LEVEL_WARNING] = "warn",
	    [LEVEL_ERROR] = "deny",
	};

	if (c->finding == NULL)
		return "error";
	return c->finding->waived ? "waived" : words[complaint_level(c)];
}

static void
put_complaint(struct page *p, const struct complaint *c)
{
	const struct finding *f = c->finding;
	AUTO(buf_clear)
	struct buf message = BUF_INIT(COMPLAINT_TEXT_MAX),
		   waiver = BUF_INIT(COMPLAINT_TEXT_MAX);

	if (complaint_message(c, &message) != 0 ||
	    complaint_waiver(c, &waiver) != 0)
		p->failed = true;
	put(p, "<li data-rule=\"", complaint_rule(c), "\"");
	put(p, " data-owner=\"", f != NULL ? f->rule->owner : "", "\">");
	fprintf(
	    p->out, "<span class=\"pill %s\">%s</span> ", effect(c), effect(c));
	put(p, "<b>", buf_text(&message), "</b>");
	put(p, " <code>", complaint_check(c), "</code>");
	if (f != NULL) {
		put(p, " <span class=\"soft\">rule ", f->rule->name, "");
		put(p, f->rule->owner[0] != '\0' ? ", owner " : "",
		    f->rule->owner, "</span>");
		if (waiver.len > 0)
			put(p, "<p>Waived until ", buf_text(&waiver), "</p>");
		if (f->evidence[0] != '\0')
			put(p, "<p class=\"soft\">", f->evidence, "</p>");
		if (f->fix[0] != '\0')
			put(p, "<p>Fix: ", f->fix, "</p>");
	}
	fputs("</li>", p->out);
}

static int
put_each(void *arg, const struct complaint *c)
{
	struct page *p = arg;

	put_complaint(p, c);
	return p->failed ? -1 : 0;
}

static void
put_place(struct page *p, const struct row *row)
{
	const struct workload *w = row->of.report->plan->workload;
	AUTO(buf_clear) struct buf line = BUF_INIT(COMPLAINT_TEXT_MAX);

	put(p, "<li data-namespace=\"", w->namespace, "\">");
	if (w->source == NULL) {
		fputs("named on the command line</li>", p->out);
		return;
	}
	if (output_line(&row->of, &line) != 0)
		p->failed = true;
	put(p, "", w->kind, " ");
	put(p, "", w->namespace, w->namespace[0] != '\0' ? "/" : "");
	put(p, "", w->name, ", ");
	put(p, "", buf_text(&line), "</li>");
}

static void
put_image(struct page *p, const struct row *row)
{
	const struct report_image *img = row->of.image;
	const char *verdict = verdict_name(img->verdict);
	const struct row *place;

	fprintf(p->out, "<article data-verdict=\"%s\"", verdict);
	put(p, " data-name=\"", img->container->image,
	    "\"><div class=\"head\">");
	fprintf(p->out, "<span class=\"pill %s\">%s</span>", verdict, verdict);
	put(p, "<h2>", img->container->image, "</h2><b>");
	if (row->largest != NULL)
		put_size(p, row->largest->image->size);
	fputs("</b></div><ul class=\"places\">", p->out);
	for (place = row; place != NULL; place = place->next)
		put_place(p, place);
	fputs("</ul>", p->out);
	if (row->largest != NULL)
		put_layers(p, row->largest);
	fputs("<ul class=\"findings\">", p->out);
	if (complaint_each(&row->of, put_each, p) != 0)
		p->failed = true;
	fputs("</ul></article>\n", p->out);
}

static void
put_head(struct page *p, const struct results *r)
{
	AUTO(buf_clear) struct buf summary = BUF_INIT(COMPLAINT_TEXT_MAX);

	if (output_summary(r, &summary) != 0)
		p->failed = true;
	fputs(
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
	    "charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" "
	    "content=\"default-src 'none'; style-src 'unsafe-inline'; "
	    "script-src 'unsafe-inline'\">\n<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<title>policy-gate</title>\n<style>",
	    p->out);
	fputs(page_style, p->out);
	fprintf(p->out,
	    "</style></head>\n<body><header><h1>policy-gate: <span "
	    "class=\"%s\">%s</span></h1>",
	    verdict_name(r->verdict), verdict_name(r->verdict));
	put(p, "<p class=\"soft\">", buf_text(&summary), "</p></header>\n");
}

static void
put_tiles(struct page *p, const struct row *rows, size_t n)
{
	static const struct {
		enum verdict verdict;
		const char *word;
	} tiles[] = {{VERDICT_DENY, "denied"}, {VERDICT_ERROR, "not judged"},
	    {VERDICT_WARN, "warned"}, {VERDICT_ALLOW, "allowed"}};
	size_t i, k, count;

	fputs("<ul class=\"tiles\">", p->out);
	for (i = 0; i < sizeof(tiles) / sizeof(tiles[0]); i++) {
		for (k = 0, count = 0; k < n; k++)
			count += rows[k].of.image->verdict == tiles[i].verdict;
		fprintf(p->out, "<li><b class=\"%s\">%zu</b>%s</li>",
		    verdict_name(tiles[i].verdict), count, tiles[i].word);
	}
	if (n > 0 && rows[0].largest != NULL) {
		fputs("<li><b>", p->out);
		put_size(p, row_cost(&rows[0]));
		fputs("</b>largest image</li>", p->out);
	}
	fputs("</ul>\n", p->out);
}

/* The script fills and shows it. */
static const char filters[] =
    "<form hidden aria-label=\"Filter\">"
    "<label>Image<input name=\"name\" type=\"search\"></label>"
    "<label>Verdict<select name=\"verdict\"><option value=\"\">all</option>"
    "</select></label>"
    "<label>Rule<select name=\"rule\"><option value=\"\">all</option></select>"
    "</label>"
    "<label>Owner<select name=\"owner\"><option value=\"\">all</option>"
    "</select></label>"
    "<label>Namespace<select name=\"namespace\"><option value=\"\">all"
    "</option></select></label>"
    "<button type=\"reset\">Show all</button>"
    "</form><p class=\"soft\" id=\"shown\" role=\"status\"></p>\n<main>\n";

int
output_html(const void *results, FILE *out)
{
	struct page p = {.out = out};
	size_t i, n;
	AUTO(free) struct row *rows = rows_make(results, row_by_cost, &n);

	if (rows == NULL)
		return -1;
	put_head(&p, results);
	put_tiles(&p, rows, n);
	fputs(filters, out);
	p.most = n > 0 ? row_cost(&rows[0]) : 0;
	for (i = 0; i < n; i++)
		if (!rows[i].is_below)
			put_image(&p, &rows[i]);
	fprintf(
	    out, "</main>\n<script>%s</script></body></html>\n", page_script);
	return p.failed ? -1 : 0;
}
