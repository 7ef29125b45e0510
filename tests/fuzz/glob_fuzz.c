/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/own.h"
#include "policy/glob.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/plain_glob.h"

#include <stdbool.h>
#include <string.h>

enum { STEPS_EACH = 4 };

static void
compare(const char *pattern, const char *text)
{
	const size_t p = strlen(pattern), t = strlen(text);
	const bool matches = glob_match(pattern, text);

	MUST(glob_steps(pattern, text) <= STEPS_EACH * (p + 1) * (t + 1));
	if (p <= PLAIN_GLOB_MAX && t <= PLAIN_GLOB_MAX)
		MUST(matches == plain_glob(pattern, text));
}

/* The first line is the pattern, the rest the text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(free) char *pattern = calloc(1, size + 2);
	const char *text = "";
	char *newline;

	if (pattern == NULL)
		return 0;
	if (size > 0)
		memcpy(pattern, data, size);
	newline = strchr(pattern, '\n');
	if (newline != NULL) {
		*newline = '\0';
		text = newline + 1;
	}
	compare(pattern, text);
	return 0;
}
