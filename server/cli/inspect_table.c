/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/units.h"
#include "policy/history.h"
#include "server/cli/inspect.h"
#include "server/cli/term.h"

#include <string.h>

enum {
	TOP = 3,         /* layers that are told of first */
	TOP_PERCENT = 5, /* if they are that much */
	SIZE_COLUMNS = 8,
	LEAST = 20, /* columns of an instruction */
};

/* Of the whole; 0 where that is empty. */
static int
percent(int64_t part, int64_t whole)
{
	return whole > 0 ? (int)((double)part * 100 / (double)whole + 0.5) : 0;
}

/* The index of the largest layer that is smaller than the last one told of,
 * or comes behind it. */
static size_t
next_largest(const struct image *img, size_t last)
{
	size_t i, best = img->nlayers;

	for (i = 0; i < img->nlayers; i++) {
		const int64_t size = img->layers[i].size;

		if (last < img->nlayers &&
		    (size > img->layers[last].size ||
			(size == img->layers[last].size && i <= last)))
			continue;
		if (best == img->nlayers || size > img->layers[best].size)
			best = i;
	}
	return best;
}

static size_t
room(const struct term *t, int used)
{
	return (size_t)(t->width - used > LEAST ? t->width - used : LEAST);
}

static void
print_top(const struct term *t, const struct image *img)
{
	size_t layer = img->nlayers;
	int i;

	for (i = 0; i < TOP; i++) {
		layer = next_largest(img, layer);
		if (layer == img->nlayers ||
		    percent(img->layers[layer].size, img->size) < TOP_PERCENT)
			break;
		fputs(i == 0 ? "  bytes      " : "             ", t->out);
		term_size(t, img->layers[layer].size, SIZE_COLUMNS);
		fprintf(t->out, " %3d %%  layer %zu, ",
		    percent(img->layers[layer].size, img->size), layer + 1);
		term_instruction(
		    t, image_layer_instruction(img, layer), room(t, 42));
		fputc('\n', t->out);
	}
}

static void
print_size_line(const struct term *t, const struct report_platform *rp)
{
	const struct image *img = rp->image;

	fputs("  size       ", t->out);
	term_bold(t, 0);
	term_size(t, img->size, 0);
	term_plain(t);
	fprintf(t->out, " compressed, %zu layer%s", img->nlayers,
	    img->nlayers == 1 ? "" : "s");
	if (rp->base_layers > 0) {
		fputs("; ", t->out);
		term_size(t,
		    img->size -
			image_first_layers_size(rp->image, rp->base_layers),
		    0);
		fputs(" above the base", t->out);
	}
	fputc('\n', t->out);
}

static void
print_base(const struct term *t, const struct report_platform *rp)
{
	fputs("  base       ", t->out);
	if (rp->base_how == BASE_NONE) {
		fputs("unknown\n", t->out);
		return;
	}
	term_text(t, rp->base_name, room(t, 40));
	if (rp->base_how == BASE_LAYERS)
		fprintf(
		    t->out, " (proved: %zu of the layers)\n", rp->base_layers);
	else
		fprintf(t->out, " (claimed by %s, not proved)\n",
		    rp->base_how == BASE_LABEL ? "a label" : "an annotation");
}

static void
print_created(const struct term *t, const struct image *img, int64_t now)
{
	AUTO(buf_clear)
	struct buf created = BUF_INIT(64), age = BUF_INIT(64);

	/* Reproducible builds write a date that means nothing. */
	enum { FIRST_REAL = 2 * 365 * 24 * 3600 };

	if (!img->has_created || img->created < FIRST_REAL) {
		fputs("  created    unknown\n", t->out);
		return;
	}
	units_add_time(&created, img->created);
	fprintf(t->out, "  created    %s", buf_text(&created));
	if (now > img->created) {
		units_add_duration(&age, now - img->created);
		fprintf(t->out, ", %s ago", buf_text(&age));
	}
	fputc('\n', t->out);
}

static void
print_list(const struct term *t, const char *title, const struct string_list *l)
{
	size_t i;

	if (l->n == 0)
		return;
	fprintf(t->out, "  %-10s", title);
	for (i = 0; i < l->n; i++) {
		fputc(' ', t->out);
		term_text(t, l->items[i], TERM_WIDTH);
	}
	fputc('\n', t->out);
}

/* What its history tells, above the base. */
static void
print_signs(const struct term *t, const struct report_platform *rp)
{
	const struct image *img = rp->image;
	const char *title = "history";
	size_t i;

	for (i = 0; i < img->nsigns; i++) {
		const struct sign *s = &img->signs[i];
		const int layer = history_layer(img, s->entry);

		if (layer >= 0 && (size_t)layer < rp->base_layers)
			continue;
		fprintf(
		    t->out, "  %-10s %s", title, detector_names[s->detector]);
		if (s->what[0] != '\0') {
			fputs(": ", t->out);
			term_text(t, s->what, room(t, 50));
		}
		if (layer >= 0)
			fprintf(t->out, " (layer %d)", layer + 1);
		fputc('\n', t->out);
		title = "";
	}
}

static void
print_head(const struct term *t, const struct report_platform *rp, int64_t now)
{
	const struct image *img = rp->image;

	fputc('\n', t->out);
	term_bold(t, 0);
	fputs(rp->platform, t->out);
	term_plain(t);
	fprintf(t->out, "  %s\n", img->digest);
	print_size_line(t, rp);
	print_top(t, img);
	print_base(t, rp);
	fputs("  user       ", t->out);
	if (img->user[0] == '\0')
		fputs("(none: root)", t->out);
	else
		term_text(t, img->user, TERM_WIDTH);
	fputc('\n', t->out);
	print_created(t, img, now);
	print_list(t, "entrypoint", &img->entrypoint);
	print_list(t, "cmd", &img->cmd);
	print_list(t, "ports", &img->ports);
	print_list(t, "volumes", &img->volumes);
	print_signs(t, rp);
}

static void
print_layers(const struct term *t, const struct report_platform *rp)
{
	const struct image *img = rp->image;
	const int cells = t->width >= 2 * TERM_WIDTH ? 30 : 12;
	/* "  ", number, size and bar, with blanks between */
	const int used = 2 + 3 + 2 + SIZE_COLUMNS + 2 + cells + 2;
	size_t i;

	fputc('\n', t->out);
	for (i = 0; i < img->nlayers; i++) {
		fprintf(t->out, "  %3zu  ", i + 1);
		term_size(t, img->layers[i].size, SIZE_COLUMNS);
		fputs("  ", t->out);
		term_bar(t, img->layers[i].size, img->size, cells,
		    i < rp->base_layers);
		fputs("  ", t->out);
		term_instruction(
		    t, image_layer_instruction(img, i), room(t, used));
		fputc('\n', t->out);
	}
	if (rp->base_layers > 0)
		fprintf(t->out, "  (%s: the base)\n", t->utf8 ? "▒" : "=");
	if (img->history_state == HISTORY_UNRELIABLE)
		fputs("  (its history does not match its layers)\n", t->out);
}

void
inspect_table(const struct lookup *l, int64_t now, FILE *out)
{
	const char *name = lookup_name(l);
	struct term t;
	size_t i;

	term_init(&t, out);
	term_text(&t, name != NULL ? name : l->text, REFERENCE_MAX);
	fputc('\n', out);
	if (l->local.estimated)
		fputs("  (its layers are not compressed: sizes are as gzip "
		      "would make them)\n",
		    out);
	for (i = 0; i < l->set->n; i++) {
		print_head(&t, &l->platforms[i], now);
		print_layers(&t, &l->platforms[i]);
	}
}
