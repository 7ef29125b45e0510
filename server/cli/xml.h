/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_XML_H
#define SERVER_CLI_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Writes XML 1.0, as much of it as reports need: elements with attributes and
 * with text or elements in them. All text is sanitised (policy/base/text.h),
 * which leaves nothing that XML cannot say, and escaped. Write errors stay in
 * the stream (ferror()).
 */
enum { XML_DEPTH_MAX = 16, XML_TEXT_MAX = 16 * 1024 };

struct xml {
	FILE *out;
	const char *names[XML_DEPTH_MAX]; /* of open elements, borrowed */
	size_t depth;
	bool in_tag;   /* attributes may follow */
	bool has_text; /* so that nothing is added to it in front of the end */
	bool failed;   /* memory is out */
};

/* Writes the declaration to `out`, borrowed until the last xml_close(). */
void xml_begin(struct xml *x, FILE *out);

/* Names of elements and attributes are literals of the program's own. */
void xml_open(struct xml *x, const char *name);
void xml_close(struct xml *x);

/* Right after xml_open(). */
void xml_attribute(struct xml *x, const char *name, const char *value);
void xml_number(struct xml *x, const char *name, size_t value);

/* Inside an element; its lines stay lines. */
void xml_text(struct xml *x, const char *text);

/* Text for wherever XML or HTML may have some, quoted attributes too:
 * sanitised and escaped. Returns 0, or -1 when memory is out. */
int xml_put(FILE *out, const char *text);

#endif
