/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history.h"

#include "policy/history/scan.h"

#include <string.h>

const char *const detector_names[DETECTORS + 1] = {
    [DETECT_BUILD_TOOLS] = "build-tools",
    [DETECT_PACKAGE_CACHE] = "package-cache",
    [DETECT_BROAD_COPY] = "broad-copy",
    [DETECT_PIPE_TO_SHELL] = "pipe-to-shell",
    [DETECT_EMBEDDED_SECRET] = "embedded-secret",
    [DETECT_RECURSIVE_CHOWN] = "recursive-chown",
    [DETECT_CACHE_ORDER] = "cache-order",
    [DETECT_DEV_DEPENDENCIES] = "dev-dependencies",
};

static const char blanks[] = " \t\r\n";

static const char *
after(const char *s, const char *prefix)
{
	const size_t len = strlen(prefix);

	return strncmp(s, prefix, len) == 0 ? s + len : NULL;
}

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, blanks);
}

/*
 * "/bin/sh -c ", "/bin/bash -o pipefail -c ": a program by its full path and
 * options up to -c. Returns what follows, or `s`.
 */
static const char *
skip_shell(const char *s)
{
	const char *at = s;
	size_t len;

	if (*at != '/')
		return s;
	for (;;) {
		len = strcspn(at, blanks);
		if (len == 0)
			return s;
		if (at[0] == '-' && at[1] != '-' && at[len - 1] == 'c')
			return skip_blanks(at + len);
		/* The program itself, an option, or what an option takes. */
		if (at != s && at[0] != '-' &&
		    (len != 8 || strncmp(at, "pipefail", len) != 0))
			return s;
		at = skip_blanks(at + len);
	}
}

/* "|2 A=b C=d /bin/sh -c make": the arguments end where a shell begins. */
static const char *
skip_arguments(const char *s, struct instruction *in)
{
	const char *at;

	s = skip_blanks(s);
	if (*s != '|')
		return s;
	in->args = s;
	for (at = strstr(s, " /"); at != NULL; at = strstr(at + 1, " /"))
		if (skip_shell(at + 1) != at + 1)
			break;
	in->args_len = at == NULL ? strlen(s) : (size_t)(at - s);
	return at == NULL ? s + strlen(s) : at + 1;
}

static enum instruction_kind
kind_of(const char *s, const char **rest)
{
	static const struct {
		const char *word;
		enum instruction_kind kind;
	} words[] = {{"RUN ", KIND_RUN}, {"COPY ", KIND_COPY},
	    {"ADD ", KIND_COPY}, {"ENV ", KIND_ENV}, {"ARG ", KIND_ARG}};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		*rest = after(s, words[i].word);
		if (*rest != NULL)
			return words[i].kind;
	}
	*rest = s;
	return KIND_OTHER;
}

/* Classic builders wrap each instruction in a shell's command line. */
static const char *
unwrap(const char *s, struct instruction *in)
{
	const char *rest = skip_shell(s), *nop;

	if (rest == s)
		return NULL;
	nop = after(rest, "#(nop)");
	if (nop == NULL) {
		in->kind = KIND_RUN;
		return rest;
	}
	in->kind = kind_of(skip_blanks(nop), &rest);
	return rest;
}

static void
cut_suffix(struct instruction *in)
{
	static const char suffix[] = "# buildkit";
	const size_t n = sizeof(suffix) - 1;

	if (in->len >= n && memcmp(in->text + in->len - n, suffix, n) == 0)
		in->len -= n;
	while (in->len > 0 && strchr(blanks, in->text[in->len - 1]) != NULL)
		in->len--;
}

static void
read_instruction(struct instruction *in, const char *created_by)
{
	const char *s = skip_blanks(created_by), *rest;

	in->args = "";
	if (*s == '|')
		s = skip_arguments(s, in);
	rest = unwrap(s, in);
	if (rest == NULL) {
		in->kind = kind_of(s, &rest);
		if (in->kind == KIND_RUN)
			rest = skip_shell(skip_arguments(rest, in));
	}
	in->text = rest;
	in->len = strlen(rest);
	cut_suffix(in);
}

int
scan_add(struct scan *s, enum detector d, const struct instruction *in,
    const char *what, size_t cause)
{
	struct sign *signs;

	if (s->nsigns == HISTORY_SIGNS_MAX)
		return 0;
	signs =
	    arena_grow(s->mem, s->signs, s->nsigns, &s->cap, sizeof(*signs));
	what = arena_strdup(s->image->mem, what);
	if (signs == NULL || what == NULL)
		return -1;
	s->signs = signs;
	s->signs[s->nsigns++] = (struct sign){
	    .detector = d, .entry = in->entry, .cause = cause, .what = what};
	return 0;
}

const char *
scan_variable(struct scan *s, const struct instruction *in, size_t before,
    const char *name, size_t len)
{
	const struct string_list *env = &s->image->env;
	const char *set;
	size_t i;

	s->looked += env->n + in->script.n + in->script.nsets;
	if (s->looked > HISTORY_LOOKS_MAX) {
		s->image->history_state = HISTORY_UNRELIABLE;
		return NULL;
	}
	set = script_variable(&in->script, before, name, len);
	if (set != NULL)
		return set;
	for (i = env->n; i > 0; i--)
		if (strncmp(env->items[i - 1], name, len) == 0 &&
		    env->items[i - 1][len] == '=')
			return env->items[i - 1] + len + 1;
	return NULL;
}

void
names_add(struct names *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->items[i], name) == 0)
			return;
	if (l->n < NAMES_MAX)
		l->items[l->n++] = name;
}

int
scan_add_names(struct scan *s, enum detector d, const struct instruction *in,
    const struct names *l)
{
	enum { SHOWN = 4, NAME_SHOWN_MAX = 48, BYTES_MAX = 512 };
	AUTO(buf_clear) struct buf b = BUF_INIT(BYTES_MAX);
	size_t i, shown = l->n > SHOWN ? SHOWN : l->n;

	for (i = 0; i < shown; i++) {
		if (i > 0)
			buf_puts(&b, i + 1 == l->n ? " and " : ", ");
		buf_printf(&b, "%.*s", NAME_SHOWN_MAX, l->items[i]);
	}
	if (shown < l->n)
		buf_printf(&b, " and %zu more", l->n - shown);
	if (buf_failed(&b))
		return -1;
	return l->n == 0 ? 0 : scan_add(s, d, in, buf_text(&b), in->entry);
}

static int
scan_run(struct scan *s, struct instruction *in)
{
	if (shell_split(&in->script, in->text, in->len, s->mem) != 0 ||
	    scan_tools(s, in) != 0 || scan_caches(s, in) != 0 ||
	    scan_dependencies(s, in) != 0)
		return -1;
	return scan_commands(s, in);
}

static int
scan_entry(struct scan *s, size_t entry)
{
	struct instruction in = {.entry = entry};

	read_instruction(&in, s->image->history[entry].created_by);
	if (in.kind == KIND_RUN && scan_run(s, &in) != 0)
		return -1;
	if (in.kind == KIND_COPY && scan_copies(s, &in) != 0)
		return -1;
	return scan_secrets(s, &in);
}

/* What the scan found moves into the image, no larger than it is. */
static int
keep_signs(struct scan *s)
{
	struct image *img = s->image;
	struct sign *signs = arena_calloc(img->mem, s->nsigns, sizeof(*signs));
	size_t i;

	if (signs == NULL)
		return -1;
	for (i = 0; i < s->nsigns; i++)
		signs[i] = s->signs[i];
	img->signs = signs;
	img->nsigns = s->nsigns;
	img->scanned = true;
	return 0;
}

int
history_scan(struct image *img)
{
	AUTO(arena_free) struct arena *signs = arena_new();
	struct scan s = {.image = img};
	size_t i, seen = 0;

	if (signs == NULL)
		return -1;
	s.mem = signs;
	for (i = 0; i < img->nhistory; i++) {
		seen += strlen(img->history[i].created_by);
		if (seen > HISTORY_TEXT_MAX) {
			img->history_state = HISTORY_UNRELIABLE;
			break;
		}
		if (scan_entry(&s, i) != 0)
			return -1;
	}
	return keep_signs(&s);
}

int
history_layer(const struct image *img, size_t entry)
{
	size_t i;

	if (img->history_state != HISTORY_RELIABLE)
		return -1;
	for (i = entry; i < img->nhistory; i++)
		if (img->history[i].layer >= 0)
			return img->history[i].layer;
	return -1;
}

size_t
history_above(const struct image *img, const struct image *base, size_t layers)
{
	size_t i, n = 0, first = 0;

	if (base == NULL || layers == 0 ||
	    img->history_state != HISTORY_RELIABLE)
		return 0;
	for (i = 0; i < img->nhistory && n < layers; i++)
		if (img->history[i].layer >= 0) {
			n++;
			first = i + 1;
		}
	/* What the base says after its last layer is its own too. */
	while (first < img->nhistory && first < base->nhistory &&
	       img->history[first].layer < 0 &&
	       strcmp(img->history[first].created_by,
		   base->history[first].created_by) == 0)
		first++;
	return first;
}
