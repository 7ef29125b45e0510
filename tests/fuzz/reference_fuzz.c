/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/reference.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* What is accepted comes out again unchanged when it is parsed again; what is
 * refused has a reason that is safe to show. */
static void
check(const char *text, struct arena *mem)
{
	struct reference ref, again;
	struct error err = ERROR_INIT;
	const char *canonical;

	if (reference_parse(&ref, text, mem, &err) != 0) {
		MUST(err.code == ERR_REFERENCE);
		must_be_plain(err.msg);
		return;
	}
	MUST((ref.tag == NULL) == (ref.digest != NULL));
	MUST(ref.digest == NULL || reference_is_digest(ref.digest));
	MUST(strstr(ref.name, "..") == NULL && strstr(ref.name, "//") == NULL);
	canonical = reference_canonical(&ref, mem);
	MUST(canonical != NULL);
	MUST(reference_parse(&again, canonical, mem, &err) == 0);
	MUST(strcmp(again.name, ref.name) == 0);
	MUST(strcmp(again.host, ref.host) == 0);
	MUST(strcmp(reference_canonical(&again, mem), canonical) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	const char *text = NULL;

	if (mem != NULL)
		text = arena_strndup(mem, (const char *)data, size);
	if (text != NULL)
		check(text, mem);
	return 0;
}
