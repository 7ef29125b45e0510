/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/units.h"
#include "policy/instruction.h"
#include "server/cli/cli.h"
#include "server/cli/delta.h"
#include "server/cli/formats.h"
#include "server/cli/lookup.h"
#include "server/cli/term.h"

#include <string.h>

static const char help[] =
    "usage: policy-gate diff [OPTION]... OLD NEW\n"
    "\n"
    "Tells what became of an image: which layers a node that has OLD pulls for NEW,\n"
    "and which instruction made it bigger. Each is a reference, oci:DIR[:TAG] or\n"
    "docker-archive:FILE[:NAME]. Sizes are compressed bytes.\n"
    "\n"
    "  --max-growth LIMIT    fail where a platform grew more: 10%, 20Mi\n"
    "  --base REFERENCE      what they may be built on; several times\n"
    "  --config FILE         how to reach registries\n"
    "  --timeout SECONDS     30 by default\n"
    "  -o FORMAT[=FILE]      table (default) or json; several times\n"
    "  --help\n"
    "\n"
    "Exit status: 0, 1 it grew more than --max-growth, 2 usage wrong, 3 an image\n"
    "could not be had.\n"
    "\n"
    "Examples:\n"
    "  policy-gate diff registry.corp/web:1.3 registry.corp/web:1.4\n"
    "  policy-gate diff registry.corp/web:1.3 oci:build/web --max-growth 10%\n";

enum {
	OLD,
	NEW,
	IMAGES,
	SIZE_COLUMNS = 10,
	KIND_COLUMNS = 9,
	INSTRUCTION_MAX = 1024,
};

/* As much as an image may grow. */
struct limit {
	const char *text; /* NULL: as it likes */
	int permille;     /* 0: `bytes` */
	int64_t bytes;
};

/* A platform that both have. */
struct platform_delta {
	const char *platform;
	struct delta delta;
	bool is_over;
};

struct comparison {
	struct lookup images[IMAGES];
	struct limit limit;
	struct platform_delta *pairs;
	size_t n;
	bool is_over; /* some pair is */
};

static bool
is_over(const struct limit *l, const struct delta *d)
{
	const int64_t grown = d->new_size - d->old_size;

	if (l->text == NULL || grown <= 0)
		return false;
	if (l->permille == 0)
		return grown > l->bytes;
	return (double)grown * 1000 > (double)d->old_size * l->permille;
}

/* The other image's part for the same platform, or NULL. */
static const struct report_platform *
partner(const struct lookup *l, const struct report_platform *rp)
{
	size_t i;

	for (i = 0; i < l->set->n; i++)
		if (platform_succeeds(
			&l->platforms[i].image->platform, &rp->image->platform))
			return &l->platforms[i];
	return NULL;
}

static int
compare(struct comparison *c)
{
	const struct lookup *old = &c->images[OLD], *new = &c->images[NEW];
	const struct report_platform *before;
	size_t i;

	c->pairs = arena_calloc(new->mem, new->set->n, sizeof(*c->pairs));
	if (c->pairs == NULL)
		return -1;
	for (i = 0; i < new->set->n; i++) {
		struct platform_delta *p = &c->pairs[c->n];

		before = partner(old, &new->platforms[i]);
		if (before == NULL)
			continue;
		if (delta_make(
			&p->delta, before, &new->platforms[i], new->mem) != 0)
			return -1;
		p->platform = new->platforms[i].platform;
		p->is_over = is_over(&c->limit, &p->delta);
		c->is_over |= p->is_over;
		c->n++;
	}
	return 0;
}

static void
print_share(const struct term *t, const char *title, int64_t old, int64_t new)
{
	fprintf(t->out, "  %-5s", title);
	term_size(t, old, SIZE_COLUMNS);
	fputs(" -> ", t->out);
	term_size(t, new, 0);
	fputs(", ", t->out);
	term_change(t, new - old, 0);
	if (old > 0 && new != old)
		fprintf(t->out, " (%+.1f %%)",
		    (double)(new - old) * 100 / (double)old);
	fputc('\n', t->out);
}

static void
print_row(const struct term *t, const struct delta_row *r)
{
	/* "  KIND  CHANGE  SIZE  " and what stands behind */
	const int used = 2 + KIND_COLUMNS + 2 * (SIZE_COLUMNS + 1) + 2 + 8;

	fprintf(t->out, "  %-*s", KIND_COLUMNS, delta_kind_name(r->kind));
	term_change(t, r->new_size - r->old_size, SIZE_COLUMNS + 1);
	term_size(t, r->new_size, SIZE_COLUMNS + 1);
	fputs("  ", t->out);
	fputs(r->is_base ? "(base) " : "", t->out);
	term_instruction(t, r->created_by,
	    t->width - used > 20 ? (size_t)(t->width - used) : 20);
	fputc('\n', t->out);
}

static void
print_pair(const struct term *t, const struct comparison *c,
    const struct platform_delta *p)
{
	const struct delta *d = &p->delta;
	size_t i;

	fputc('\n', t->out);
	term_bold(t, 0);
	fprintf(t->out, "%s\n", p->platform);
	term_plain(t);
	print_share(t, "size", d->old_size, d->new_size);
	if (d->old_base > 0 || d->new_base > 0) {
		print_share(t, "base", d->old_base, d->new_base);
		print_share(t, "app", d->old_size - d->old_base,
		    d->new_size - d->new_base);
	}
	fputs("  a node that has the old one pulls ", t->out);
	term_size(t, d->pull, 0);
	fprintf(t->out, ", %zu layer%s\n\n", d->pull_layers,
	    d->pull_layers == 1 ? "" : "s");
	fprintf(t->out, "  %-*s%*s%*s\n", KIND_COLUMNS, "", SIZE_COLUMNS + 1,
	    "change", SIZE_COLUMNS + 1, "size");
	for (i = 0; i < d->n; i++)
		print_row(t, &d->rows[i]);
	if (p->is_over) {
		term_bold(t, 31);
		fprintf(t->out, "  it grew by more than %s\n", c->limit.text);
		term_plain(t);
	}
}

/* Platforms that one of the two lacks. */
static void
print_alone(const struct term *t, const struct lookup *of,
    const struct lookup *other, const char *which)
{
	size_t i;

	for (i = 0; i < of->set->n; i++)
		if (partner(other, &of->platforms[i]) == NULL)
			fprintf(t->out, "\n%s: only in the %s one\n",
			    of->platforms[i].platform, which);
}

static int
write_table(const void *what, FILE *out)
{
	const struct comparison *c = what;
	const struct lookup *old = &c->images[OLD], *new = &c->images[NEW];
	struct term t;
	size_t i;

	term_init(&t, out);
	term_text(&t, old->text, REFERENCE_MAX);
	fputs(" -> ", out);
	term_text(&t, new->text, REFERENCE_MAX);
	fputc('\n', out);
	for (i = 0; i < c->n; i++)
		print_pair(&t, c, &c->pairs[i]);
	print_alone(&t, old, new, "old");
	print_alone(&t, new, old, "new");
	return 0;
}

static json_t *
row_json(const struct delta_row *r)
{
	AUTO(buf_clear) struct buf made = BUF_INIT(INSTRUCTION_MAX + 8);

	if (r->created_by != NULL &&
	    instruction_add(&made, r->created_by, INSTRUCTION_MAX) != 0)
		return NULL;
	return json_pack("{s:s, s:o, s:b, s:I, s:I}", "kind",
	    delta_kind_name(r->kind), "createdBy",
	    made.len > 0 ? json_string(buf_text(&made)) : json_null(), "base",
	    r->is_base, "oldSize", (json_int_t)r->old_size, "newSize",
	    (json_int_t)r->new_size);
}

static json_t *
pair_json(const struct platform_delta *p)
{
	const struct delta *d = &p->delta;
	json_t *layers = json_array();
	size_t i;

	for (i = 0; i < d->n; i++)
		if (json_array_append_new(layers, row_json(&d->rows[i])) != 0) {
			json_decref(layers);
			return NULL;
		}
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o}",
	    "platform", p->platform, "oldSize", (json_int_t)d->old_size,
	    "newSize", (json_int_t)d->new_size, "oldBaseSize",
	    (json_int_t)d->old_base, "newBaseSize", (json_int_t)d->new_base,
	    "pull", (json_int_t)d->pull, "pullLayers",
	    (json_int_t)d->pull_layers, "grewTooMuch", p->is_over, "layers",
	    layers);
}

static json_t *
image_json(const struct lookup *l)
{
	return json_pack("{s:s, s:o}", "reference", l->text, "resolved",
	    l->local.set != NULL ? json_null() : json_string(lookup_name(l)));
}

static json_t *
alone_json(const struct lookup *of, const struct lookup *other)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < of->set->n; i++)
		if (partner(other, &of->platforms[i]) == NULL)
			json_array_append_new(
			    list, json_string(of->platforms[i].platform));
	return list;
}

static int
write_json(const void *what, FILE *out)
{
	const struct comparison *c = what;
	const struct lookup *old = &c->images[OLD], *new = &c->images[NEW];
	AUTO(json_decref) json_t *platforms = json_array();
	size_t i;

	for (i = 0; i < c->n; i++)
		if (json_array_append_new(platforms, pair_json(&c->pairs[i])) !=
		    0)
			return -1;
	return formats_json(
	    json_pack("{s:i, s:o, s:o, s:O, s:o, s:o, s:s?}", "version", 1,
		"old", image_json(old), "new", image_json(new), "platforms",
		platforms, "onlyOld", alone_json(old, new), "onlyNew",
		alone_json(new, old), "maxGrowth", c->limit.text),
	    out);
}

static const struct format formats[] = {
    {"table", write_table}, {"json", write_json}, {NULL, NULL}};

static int
parse_limit(struct limit *l, const char *text)
{
	l->text = text;
	return units_parse_percent(text, &l->permille) == 0 ||
		       units_parse_size(text, &l->bytes) == 0
		   ? 0
		   : -1;
}

static int
diff(struct comparison *c, struct lookup_options *o, struct formats *f)
{
	int status = lookup_all(c->images, IMAGES, o);
	size_t i;

	for (i = 0; status == STATUS_UNJUDGED && i < IMAGES; i++)
		if (c->images[i].set == NULL)
			lookup_tell(&c->images[i], o->command);
	if (status != STATUS_OK)
		return status;
	if (compare(c) != 0)
		return cli_usage(o->command, "out of memory");
	status = formats_write(f, c);
	if (status == STATUS_OK && c->n == 0) {
		fprintf(stderr,
		    "policy-gate %s: the two have no platform in common\n",
		    o->command);
		status = STATUS_UNJUDGED;
	} else if (status == STATUS_OK && c->is_over) {
		status = STATUS_REJECTED;
	}
	return cli_finish(o->command, status);
}

int
cmd_diff(int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"output", required_argument, NULL, 'o'},
	    {"timeout", required_argument, NULL, 't'},
	    {"base", required_argument, NULL, 'b'},
	    {"max-growth", required_argument, NULL, 'm'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	struct lookup_options o = {.command = argv[0]};
	struct formats f = {.command = argv[0], .known = formats};
	struct comparison c = {.n = 0};
	int k, status;

	while ((k = cli_option(argc, argv, ":o:h", options)) != -1) {
		if (k == 'h')
			return cli_help(help);
		if (k == '?' || lookup_option(&o, k, optarg) != STATUS_OK ||
		    (k == 'o' && formats_add(&f, optarg) != STATUS_OK))
			return STATUS_USAGE;
		if (k == 'm' && parse_limit(&c.limit, optarg) != 0)
			return cli_usage(argv[0],
			    "--max-growth takes a share or a size, such as "
			    "10%% or 20Mi, not \"%s\"",
			    optarg);
	}
	if (optind + IMAGES != argc)
		return cli_usage(argv[0], "name an old and a new image");
	c.images[OLD].text = argv[optind];
	c.images[NEW].text = argv[optind + 1];
	status = diff(&c, &o, &f);
	lookup_clear(&c.images[OLD]);
	lookup_clear(&c.images[NEW]);
	return status;
}
