/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/tree.h"

#include <stdbool.h>
#include <stdlib.h>

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

json_t *
tree_parse(const char *text, size_t len, size_t flags, json_error_t *e)
{
	json_error_t unused;
	json_t *root;

	if (e == NULL)
		e = &unused;
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
