/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/instruction.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { INPUT_MAX = 8192, SHOWN_MAX = 80 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_clear) struct buf b;
	char text[INPUT_MAX + 1];
	const char *p;

	if (size > INPUT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	buf_init(&b, SHOWN_MAX);
	MUST(instruction_add(&b, text, SHOWN_MAX) == 0);
	MUST(b.len <= SHOWN_MAX);
	for (p = buf_text(&b); *p != '\0'; p++)
		MUST((unsigned char)*p >= ' ' && *p != '\177');
	return 0;
}
