/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/platform.h"

#include "policy/base/buf.h"
#include "policy/base/text.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

enum { PART_MAX = 64, TEXT_MAX = 4 * PART_MAX, SHOWN_MAX = 64 };

struct alias {
	const char *arch;
	const char *variant; /* NULL: any */
	const char *to_arch;
	const char *to_variant; /* NULL: as it was */
};

/* containerd/platforms, database.go; the first line that fits counts. */
static const struct alias aliases[] = {
    {"i386", NULL, "386", ""},
    {"x86_64", "v1", "amd64", ""},
    {"x86_64", NULL, "amd64", NULL},
    {"x86-64", "v1", "amd64", ""},
    {"x86-64", NULL, "amd64", NULL},
    {"amd64", "v1", "amd64", ""},
    {"aarch64", "8", "arm64", ""},
    {"aarch64", "v8", "arm64", ""},
    {"aarch64", "v8.0", "arm64", ""},
    {"aarch64", "9", "arm64", "v9"},
    {"aarch64", "9.0", "arm64", "v9"},
    {"aarch64", "v9.0", "arm64", "v9"},
    {"aarch64", NULL, "arm64", NULL},
    {"arm64", "8", "arm64", ""},
    {"arm64", "v8", "arm64", ""},
    {"arm64", "v8.0", "arm64", ""},
    {"arm64", "9", "arm64", "v9"},
    {"arm64", "9.0", "arm64", "v9"},
    {"arm64", "v9.0", "arm64", "v9"},
    {"armhf", NULL, "arm", "v7"},
    {"armel", NULL, "arm", "v6"},
    {"arm", "", "arm", "v7"},
    {"arm", "7", "arm", "v7"},
    {"arm", "5", "arm", "v5"},
    {"arm", "6", "arm", "v6"},
    {"arm", "8", "arm", "v8"},
};

/* Letters beyond ASCII whose lower case is ASCII for Go: to a runtime an os of
 * "L\u0130nux" is linux. No other letter becomes part of a name it knows. */
static const struct {
	char upper[4];
	char lower;
} ascii_in_lower_case[] = {{"\xc4\xb0", 'i'}, {"\xe2\x84\xaa", 'k'}};

/* The first character, moving *s past it; a longer one byte by byte. */
static char
lower_next(const char **s)
{
	for (size_t i = 0;
	     i < sizeof(ascii_in_lower_case) / sizeof(ascii_in_lower_case[0]);
	     i++) {
		const char *upper = ascii_in_lower_case[i].upper;

		if (strncmp(*s, upper, strlen(upper)) == 0) {
			*s += strlen(upper);
			return ascii_in_lower_case[i].lower;
		}
	}
	return (char)tolower((unsigned char)*(*s)++);
}

/* Names have a few known forms, and all of them are short: what is longer is
 * cut, and equals none. */
static const char *
lowered(const char *s, struct arena *mem)
{
	char text[PART_MAX];
	size_t len = 0;

	if (s == NULL || *s == '\0')
		return "";
	while (*s != '\0' && len < PART_MAX)
		text[len++] = lower_next(&s);
	return arena_strndup(mem, text, len);
}

int
platform_init(struct platform *p, const char *os, const char *arch,
    const char *variant, const char *os_version, struct arena *mem)
{
	struct platform q = {
	    .os = lowered(os, mem),
	    .arch = lowered(arch, mem),
	    .variant = lowered(variant, mem),
	    .os_version = lowered(os_version, mem),
	};

	if (q.os == NULL || q.arch == NULL || q.variant == NULL ||
	    q.os_version == NULL)
		return -1;
	if (strcmp(q.os, "macos") == 0)
		q.os = "darwin";
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		const struct alias *a = &aliases[i];

		if (strcmp(a->arch, q.arch) != 0 ||
		    (a->variant != NULL && strcmp(a->variant, q.variant) != 0))
			continue;
		q.arch = a->to_arch;
		if (a->to_variant != NULL)
			q.variant = a->to_variant;
		break;
	}
	*p = q;
	return 0;
}

int
platform_copy(
    struct platform *to, const struct platform *from, struct arena *mem)
{
	to->os = arena_strdup(mem, from->os);
	to->arch = arena_strdup(mem, from->arch);
	to->variant = arena_strdup(mem, from->variant);
	to->os_version = arena_strdup(mem, from->os_version);
	return to->os == NULL || to->arch == NULL || to->variant == NULL ||
		       to->os_version == NULL
		   ? -1
		   : 0;
}

static int
refuse(struct error *err, const char *text, const char *why)
{
	AUTO(buf_clear) struct buf shown = BUF_INIT(SHOWN_MAX);

	text_sanitise(&shown, text, SHOWN_MAX);
	return error_set(err, ERR_SYNTAX,
	    "\"%s\" is not a platform: %s; write os/arch or os/arch/variant, as in linux/amd64",
	    buf_text(&shown), why);
}

static bool
is_part_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

int
platform_parse(
    struct platform *p, const char *text, struct arena *mem, struct error *err)
{
	char parts[3][PART_MAX] = {"", "", ""};
	size_t n = 0, len = 0;

	for (const char *s = text; *s != '\0'; s++) {
		if (*s == '/') {
			if (len == 0)
				return refuse(err, text, "a part is empty");
			if (++n == 3)
				return refuse(
				    err, text, "it has more than three parts");
			len = 0;
		} else if (!is_part_char(*s)) {
			return refuse(err, text,
			    "it has other characters than letters, digits, '_', '-' and '.'");
		} else if (len == PART_MAX - 1) {
			return refuse(err, text, "a part is too long");
		} else {
			parts[n][len++] = *s;
		}
	}
	if (n == 0)
		return refuse(err, text, "the architecture is missing");
	if (len == 0)
		return refuse(err, text, "a part is empty");
	if (platform_init(p, parts[0], parts[1], parts[2], "", mem) != 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (isdigit((unsigned char)p->variant[0]))
		return refuse(err, text, "a variant begins with 'v'");
	return 0;
}

/* Nothing to sanitise or to cut: nearly every one. */
static bool
is_plain(const char *part)
{
	while (isalnum((unsigned char)*part))
		part++;
	return *part == '\0';
}

const char *
platform_text(const struct platform *p, struct arena *mem)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);

	if (is_plain(p->os) && is_plain(p->arch) && is_plain(p->variant))
		return arena_printf(mem, "%s/%s%s%s", p->os, p->arch,
		    p->variant[0] != '\0' ? "/" : "", p->variant);
	text_sanitise(&b, p->os, PART_MAX);
	buf_puts(&b, "/");
	text_sanitise(&b, p->arch, PART_MAX);
	if (p->variant[0] != '\0') {
		buf_puts(&b, "/");
		text_sanitise(&b, p->variant, PART_MAX);
	}
	return buf_failed(&b) ? NULL : arena_strdup(mem, buf_text(&b));
}

/* "v7" -> 7, "v8.2" -> 8 and 2. False where it is written otherwise. */
static bool
parse_variant(const char *s, int *major, int *minor)
{
	int *out = major;

	*major = *minor = 0;
	if (*s++ != 'v' || !isdigit((unsigned char)*s))
		return false;
	for (; *s != '\0'; s++) {
		if (*s == '.' && out == major && isdigit((unsigned char)s[1])) {
			out = minor;
		} else if (!isdigit((unsigned char)*s) ||
			   *out > INT_MAX / 10 - 1) {
			return false;
		} else {
			*out = *out * 10 + (*s - '0');
		}
	}
	return true;
}

/* Variants of one architecture where a higher one runs the lower ones, down
 * to `lowest`. */
static bool
runs_lower(const char *node, const char *image, int lowest)
{
	int n, i, minor;

	if (strchr(node, '.') != NULL || strchr(image, '.') != NULL)
		return false;
	return parse_variant(node, &n, &minor) &&
	       parse_variant(image, &i, &minor) && i >= lowest && i < n;
}

/* Armv9.x contains Armv8.(x + 5), and Armv8 ends with v8.9: as the table in
 * containerd/platforms, compare.go has it. */
static bool
arm64_runs(const char *node, const char *image)
{
	int n, x, i, y;

	if (!parse_variant(node[0] == '\0' ? "v8" : node, &n, &x) ||
	    !parse_variant(image[0] == '\0' ? "v8" : image, &i, &y))
		return false;
	if (n == 9 && i == 8)
		return y <= (x + 5 > 9 ? 9 : x + 5);
	return (n == 8 || n == 9) && n == i && y <= x;
}

static bool
arch_runs(const struct platform *node, const struct platform *image)
{
	bool same = strcmp(node->arch, image->arch) == 0;
	int major, minor;

	if (same && strcmp(node->variant, image->variant) == 0)
		return true;
	if (strcmp(node->arch, "amd64") == 0) {
		if (!same)
			return strcmp(image->arch, "386") == 0 &&
			       image->variant[0] == '\0';
		return image->variant[0] == '\0' ||
		       runs_lower(node->variant, image->variant, 2);
	}
	if (strcmp(node->arch, "arm") == 0)
		return same &&
		       (node->variant[0] == '\0' ||
			   runs_lower(node->variant, image->variant, 5));
	if (strcmp(node->arch, "arm64") != 0)
		return false;
	if (same)
		return arm64_runs(node->variant, image->variant);
	if (strcmp(image->arch, "arm") != 0 ||
	    (node->variant[0] != '\0' &&
		(!parse_variant(node->variant, &major, &minor) ||
		    (major != 8 && major != 9))))
		return false;
	return runs_lower("v9", image->variant, 5);
}

/* Major, minor and build; the revision may differ. */
bool
platform_same_release(const char *a, const char *b)
{
	int dots = 0;

	if (a[0] == '\0' || b[0] == '\0')
		return true;
	for (; *a == *b && *a != '\0'; a++, b++) {
		if (*a == '.' && ++dots == 3)
			return true;
	}
	return (*a == '\0' || *a == '.') && (*b == '\0' || *b == '.') &&
	       (*a == *b || dots == 2);
}

bool
platform_runs(const struct platform *node, const struct platform *image)
{
	if (node->os[0] != '\0' && strcmp(node->os, image->os) != 0)
		return false;
	return node->arch[0] == '\0' || arch_runs(node, image);
}

bool
platform_succeeds(const struct platform *a, const struct platform *b)
{
	return strcmp(a->os, b->os) == 0 && strcmp(a->arch, b->arch) == 0 &&
	       strcmp(a->variant, b->variant) == 0 &&
	       platform_same_release(a->os_version, b->os_version);
}

bool
platform_equal(const struct platform *a, const struct platform *b)
{
	return platform_succeeds(a, b) &&
	       strcmp(a->os_version, b->os_version) == 0;
}

bool
platform_set_is_windows(const struct platform_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->items[i].os, "windows") != 0)
			return false;
	}
	return set->n > 0;
}

bool
platform_set_runs(const struct platform_set *set, const struct platform *image)
{
	for (size_t i = 0; i < set->n; i++) {
		if (platform_runs(&set->items[i], image))
			return true;
	}
	return set->n == 0;
}
