/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history.h"
#include "policy/instruction.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { INPUT_MAX = 8192, SHOWN_MAX = 80, ENTRIES_MAX = 64 };

/* Each line is an instruction, the layers are as many. */
static void
scan(char *text)
{
	AUTO(image_unref) struct image *img = image_new(0);
	struct history *h;
	char *line, *rest = text;
	size_t i, n = 0;

	MUST(img != NULL);
	h = arena_calloc(img->mem, ENTRIES_MAX, sizeof(*h));
	MUST(h != NULL);
	while (n < ENTRIES_MAX && (line = strsep(&rest, "\001")) != NULL) {
		h[n] = (struct history){
		    .created_by = line, .comment = "", .layer = (int)n};
		n++;
	}
	img->history = h;
	img->nhistory = n;
	img->history_state = HISTORY_RELIABLE;
	MUST(history_scan(img) == 0 && img->scanned);
	for (i = 0; i < img->nsigns; i++) {
		MUST(img->signs[i].entry < n);
		MUST(img->signs[i].what[0] != '\0' ||
		     img->signs[i].detector == DETECT_EMBEDDED_SECRET);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(SHOWN_MAX);
	char text[INPUT_MAX + 1];

	if (size > INPUT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	MUST(instruction_add(&b, text, SHOWN_MAX) == 0);
	MUST(b.len <= SHOWN_MAX);
	must_be_plain(buf_text(&b));
	scan(text);
	return 0;
}
