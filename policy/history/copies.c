/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "policy/history/scan.h"

#include <string.h>

/*
 * COPY and ADD. BuildKit writes their sources, but not whether they came from
 * another stage; older builders write only whether it was a file or a
 * directory.
 */

/* The whole build context. */
static bool
is_broad(const char *source)
{
	static const char *const words[] = {
	    ".", "./", "/", "*", "./*", "/*", NULL};

	return text_is_one_of(source, words);
}

/* Sources that change with every commit, or may well. */
static bool
is_source_tree(const char *source)
{
	static const char *const words[] = {
	    "src", "src/", "./src", "./src/", "app", "lib", NULL};

	return is_broad(source) || text_is_one_of(source, words) ||
	       strncmp(source, "dir:", 4) == 0;
}

/* What a private key or a login is kept in by default. */
static bool
is_credential(const char *source)
{
	static const char *const names[] = {"id_rsa", "id_dsa", "id_ecdsa",
	    "id_ed25519", ".netrc", ".git-credentials", ".pypirc", ".pgpass",
	    NULL};
	const char *slash = strrchr(source, '/');

	return text_is_one_of(slash != NULL ? slash + 1 : source, names);
}

static int
look(struct scan *s, const struct instruction *in, const char *source)
{
	if (is_source_tree(source))
		s->broad = in->entry + 1;
	if (is_broad(source) &&
	    scan_add(s, DETECT_BROAD_COPY, in, source, in->entry) != 0)
		return -1;
	if (is_credential(source))
		return scan_add(
		    s, DETECT_EMBEDDED_SECRET, in, source, in->entry);
	return 0;
}

/* The next word of an instruction, in *word; false: there is none. */
static bool
next_word(
    const struct scan *s, const char **at, const char *end, const char **word)
{
	const char *from = *at;
	size_t len = 0;

	while (from < end && strchr(" \t\n", *from) != NULL)
		from++;
	while (from + len < end && strchr(" \t\n", from[len]) == NULL)
		len++;
	*at = from + len;
	*word = len == 0 ? NULL : arena_strndup(s->mem, from, len);
	return len > 0;
}

int
scan_copies(struct scan *s, const struct instruction *in)
{
	const char *at = in->text, *end = in->text + in->len;
	const char *word, *next;

	/* The words are options, the sources and, last, the destination; older
	 * builders have "in" before that. */
	if (!next_word(s, &at, end, &word))
		return 0;
	while (next_word(s, &at, end, &next)) {
		if (word == NULL || next == NULL)
			return -1;
		if (strncmp(word, "--", 2) != 0 && strcmp(word, "in") != 0 &&
		    look(s, in, word) != 0)
			return -1;
		word = next;
	}
	return 0;
}
