/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/local.h"

#include "policy/base/buf.h"
#include "policy/reference.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

static const struct kind {
	const char *prefix;
	bool last_colon; /* a tag has none, a reference has */
	int (*read)(const char *path, const char *wanted, struct local *out,
	    struct error *err);
} kinds[] = {
    {"oci:", true, layout_read},
    {"docker-archive:", false, archive_read},
};

static const struct kind *
find_kind(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) ==
		    0)
			return &kinds[i];
	return NULL;
}

bool
local_is(const char *text)
{
	return find_kind(text) != NULL;
}

void
local_clear(struct local *l)
{
	image_set_unref(l->set);
	free(l->name);
	*l = (struct local){.set = NULL};
}

/* "out/Web App" with "1.4" becomes "localhost/web-app:1.4". */
static char *
make_name(const char *path, const char *tag)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	AUTO(buf_clear) struct buf b = BUF_INIT(REFERENCE_MAX);
	struct error why = ERROR_INIT;
	struct reference ref;
	const char *base, *end = path + strlen(path);

	while (end > path && end[-1] == '/')
		end--;
	for (base = end; base > path && base[-1] != '/'; base--)
		;
	buf_puts(&b, "localhost/");
	for (; base < end; base++) {
		const char c = (char)tolower((unsigned char)*base);

		buf_add(
		    &b, isalnum((unsigned char)c) || c == '.' ? &c : "-", 1);
	}
	buf_printf(&b, ":%s", tag != NULL ? tag : "local");
	if (mem == NULL)
		return NULL;
	if (reference_parse(&ref, buf_text(&b), mem, &why) != 0)
		return why.code == ERR_NOMEM ? NULL
					     : strdup("localhost/image:local");
	return buf_take(&b);
}

/* A path that is there as a whole has no tag behind it. */
static const char *
split(char *path, bool last_colon)
{
	struct stat st;
	char *colon;

	if (stat(path, &st) == 0)
		return NULL;
	colon = last_colon ? strrchr(path, ':') : strchr(path, ':');
	if (colon == NULL)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

int
local_read(const char *text, struct local *out, struct error *err)
{
	const struct kind *kind = find_kind(text);
	AUTO(free) char *path = strdup(text + strlen(kind->prefix));
	AUTO(local_clear) struct local l = {.set = NULL};
	const char *wanted;

	if (path == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	wanted = split(path, kind->last_colon);
	if (path[0] == '\0')
		return error_set(err, ERR_INVALID,
		    "nothing is named behind \"%s\"", kind->prefix);
	if (kind->read(path, wanted, &l, err) != 0)
		return error_wrap(err, "%s", path);
	if (l.name == NULL)
		l.name = make_name(path, kind->last_colon ? wanted : NULL);
	if (l.name == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	*out = l;
	l = (struct local){.set = NULL};
	return 0;
}
