/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/glob.h"
#include "policy/match.h"
#include "policy/read.h"

#include <string.h>

_Static_assert(2 * READ_TEXT_MAX <= GLOB_PATTERN_MAX,
    "a glob that can be read can be matched, also with each * doubled");

/* What no glob may be. */
static const char *
check_glob(const char *glob)
{
	const char *g = glob[0] == '!' ? glob + 1 : glob;

	if (g[0] == '\0')
		return "is no glob: write \"*\" for any, or leave it out; "
		       "one that begins with '!' needs quotes";
	if (g[0] == '!')
		return "has two '!': one excludes";
	if (strpbrk(g, " \t\r\n") != NULL)
		return "has white space in it";
	if (strpbrk(g, "{}\\") != NULL)
		return "has braces or a backslash in it: a glob knows *, ** "
		       "and ? alone";
	return NULL;
}

static const char *
check_plain_glob(const char *glob)
{
	const char *problem = check_glob(glob);

	if (problem == NULL && strpbrk(glob, "[]") != NULL)
		problem = "has brackets in it: a glob knows *, ** and ? alone";
	return problem;
}

static const char *
check_image_glob(const char *glob)
{
	const char *problem = check_glob(glob);
	const char *g = glob[0] == '!' ? glob + 1 : glob;
	const char *path;

	if (problem != NULL)
		return problem;
	if (strstr(g, "://") != NULL)
		return "is a URL: a name begins with the registry's host";
	if (strchr(g, '@') != NULL)
		return "has a digest: a glob is over the name alone";
	path = strrchr(g, '/');
	if (path != NULL && strchr(path, ':') != NULL)
		return "has a tag: a glob is over the name alone";
	/* Names have brackets around an IPv6 host only. */
	if (g[0] != '[' && strpbrk(g, "[]") != NULL)
		return "has brackets in it: a glob knows *, ** and ? alone";
	return NULL;
}

static void
warn_never(struct reader *r, const struct node *n, const char *why)
{
	diagnostics_warn(r->diagnostics, n, "matches nothing: %s", why);
}

static void
warn_image_glob(struct reader *r, const struct node *n, const char *glob)
{
	const char *g = glob[0] == '!' ? glob + 1 : glob;
	size_t host = strcspn(g, "/");

	if (strpbrk(g, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL)
		warn_never(r, n, "names have no upper case letters");
	else if (strcspn(g, "*?.:") < host ||
		 strncmp(g, "localhost/", 10) == 0) {
		if (g[host] == '\0' && strstr(g, "**") == NULL)
			warn_never(r, n,
			    "a name has a '/' and * stays in one part; ** "
			    "does not");
		else if (strncmp(g, "docker.io/", 10) == 0 &&
			 strpbrk(g + 10, "/*?") == NULL)
			warn_never(r, n,
			    "names are written in full, as in "
			    "docker.io/library/nginx");
	} else {
		warn_never(r, n,
		    "names begin with their registry, as in "
		    "docker.io/library/nginx");
	}
}

static void
warn_namespace_glob(struct reader *r, const struct node *n, const char *glob)
{
	const char *g = glob[0] == '!' ? glob + 1 : glob;

	if (strspn(g, "abcdefghijklmnopqrstuvwxyz0123456789-*?") != strlen(g))
		warn_never(
		    r, n, "namespaces have small letters, digits and '-' only");
}

typedef void glob_warner(struct reader *, const struct node *, const char *);

static int
read_globs(struct reader *r, const struct node *n, read_item_check *check,
    glob_warner *warn, struct string_list *out)
{
	int rc = read_list(r, n, "a glob", check, out);
	size_t i;

	for (i = 0; warn != NULL && i < out->n; i++) {
		const struct node item = node_at(n, i);

		if (out->items[i] != NULL)
			warn(r, &item, out->items[i]);
	}
	return rc;
}

int
read_namespace_globs(
    struct reader *r, const struct node *n, struct string_list *out)
{
	return read_globs(r, n, check_plain_glob, warn_namespace_glob, out);
}

int
read_tag_globs(struct reader *r, const struct node *n, struct string_list *out)
{
	return read_globs(r, n, check_plain_glob, NULL, out);
}

int
read_image_globs(
    struct reader *r, const struct node *n, struct string_list *out)
{
	const char **items;
	size_t i;

	if (read_globs(r, n, check_image_glob, warn_image_glob, out) != 0)
		return -1;
	items = read_alloc(r, n, out->n, sizeof(*items));
	for (i = 0; items != NULL && i < out->n; i++) {
		items[i] = match_common_glob(out->items[i], r->mem);
		if (items[i] == NULL) {
			read_no_memory(r, n);
			return -1;
		}
	}
	if (items == NULL)
		return -1;
	out->items = items;
	return 0;
}
