/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/tree.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jansson takes no closure argument. */
static _Thread_local bool ran_out;

void *
tree_malloc(size_t size)
{
	void *p = malloc(size);

	if (p == NULL)
		ran_out = true;
	return p;
}

__attribute__((constructor)) static void
install(void)
{
	json_set_alloc_funcs(tree_malloc, free);
}

static void
tell_nul(const char *text, const char *nul, json_error_t *e)
{
	e->line = 1;
	e->column = 1;
	e->position = (int)(nul - text);
	for (const char *p = text; p < nul; p++) {
		e->column = *p == '\n' ? 1 : e->column + 1;
		e->line += *p == '\n';
	}
	snprintf(e->text, sizeof(e->text), "a NUL character");
	e->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_null_character;
}

json_t *
tree_parse(const char *text, size_t len, size_t flags, json_error_t *e)
{
	json_error_t unused;
	json_t *root;
	const char *nul = len > 0 ? memchr(text, '\0', len) : NULL;

	if (e == NULL)
		e = &unused;
	if (nul != NULL) {
		tell_nul(text, nul, e);
		return NULL;
	}
	ran_out = false;
	root = json_loadb(text, len, flags, e);
	if (!ran_out)
		return root;
	json_decref(root);
	/* Where json_error_code() reads it. */
	e->text[JSON_ERROR_TEXT_LENGTH - 1] = json_error_out_of_memory;
	return NULL;
}

char *
tree_dump(const json_t *root, size_t flags)
{
	char *text;

	ran_out = false;
	text = json_dumps(root, flags);
	if (!ran_out)
		return text;
	free(text);
	return NULL;
}

int
tree_write(
    const json_t *root, json_dump_callback_t writer, void *arg, size_t flags)
{
	int rc;

	ran_out = false;
	rc = json_dump_callback(root, writer, arg, flags);
	return ran_out ? -1 : rc;
}
