/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "policy/base/units.h"
#include "policy/instruction.h"
#include "server/cli/inspect.h"

#include <langinfo.h>
#include <string.h>

enum { BAR = 10, INSTRUCTION_MAX = 100 };

static void
print_size(FILE *out, int64_t bytes, int width)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(64);

	units_add_size(&b, bytes);
	fprintf(out, "%*s", width, buf_text(&b));
}

static void
print_safe(FILE *out, const char *s, size_t max)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(max + 8);

	text_sanitise(&b, s, max);
	fputs(buf_text(&b), out);
}

static void
print_instruction(FILE *out, const char *created_by)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(INSTRUCTION_MAX + 8);

	if (created_by != NULL)
		instruction_add(&b, created_by, INSTRUCTION_MAX);
	fputs(b.len > 0 ? buf_text(&b) : "?", out);
}

/* A layer's share of the image, in ten steps. */
static void
print_bar(FILE *out, int64_t part, int64_t whole)
{
	const bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	const int full =
	    whole > 0 ? (int)((double)part / (double)whole * BAR + 0.5) : 0;
	int i;

	for (i = 0; i < BAR; i++)
		fputs(i < full ? (utf8 ? "█" : "#") : (utf8 ? "░" : "."), out);
}

static void
print_list(FILE *out, const char *title, const struct string_list *l)
{
	size_t i;

	if (l->n == 0)
		return;
	fprintf(out, "  %-10s", title);
	for (i = 0; i < l->n; i++) {
		fputc(' ', out);
		print_safe(out, l->items[i], INSTRUCTION_MAX);
	}
	fputc('\n', out);
}

static void
print_head(FILE *out, const struct image *img, const char *platform)
{
	AUTO(buf_clear) struct buf created = BUF_INIT(64);

	if (img->has_created)
		units_add_time(&created, img->created);
	fprintf(out, "\n%s  %s\n  size       ", platform, img->digest);
	print_size(out, img->size, 0);
	fprintf(out, " compressed, %zu layer%s\n  user       ", img->nlayers,
	    img->nlayers == 1 ? "" : "s");
	if (img->user[0] == '\0')
		fputs("(none: root)", out);
	else
		print_safe(out, img->user, INSTRUCTION_MAX);
	fprintf(out, "\n  created    %s\n",
	    img->has_created ? buf_text(&created) : "unknown");
	print_list(out, "entrypoint", &img->entrypoint);
	print_list(out, "cmd", &img->cmd);
	print_list(out, "ports", &img->ports);
	print_list(out, "volumes", &img->volumes);
}

static void
print_layers(FILE *out, const struct image *img)
{
	const char *made;
	size_t i;

	for (i = 0; i < img->nlayers; i++) {
		made = image_layer_instruction(img, i);
		fputs("  ", out);
		print_size(out, img->layers[i].size, 10);
		fputs("  ", out);
		print_bar(out, img->layers[i].size, img->size);
		fputs("  ", out);
		print_instruction(out, made);
		fputc('\n', out);
	}
	if (img->history_state == HISTORY_UNRELIABLE)
		fputs("  (its history does not match its layers)\n", out);
}

void
inspect_table(const struct lookup *l, FILE *out)
{
	const char *name = lookup_name(l), *platform;
	size_t i;

	print_safe(out, name != NULL ? name : l->text, REFERENCE_MAX);
	fputc('\n', out);
	if (l->local.estimated)
		fputs("  (its layers are not compressed: sizes are as gzip "
		      "would make them)\n",
		    out);
	for (i = 0; i < l->set->n; i++) {
		platform = platform_text(&l->set->images[i]->platform, l->mem);
		print_head(out, l->set->images[i],
		    platform != NULL ? platform : "(out of memory)");
		print_layers(out, l->set->images[i]);
	}
}
