/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_TERM_H
#define SERVER_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Text for people, as the place where it goes can show it. */
struct term {
	FILE *out;
	bool is_tty;
	bool colour; /* a terminal, and no NO_COLOR (https://no-color.org) */
	bool utf8;   /* by the locale */
	int width;   /* in columns; TERM_WIDTH where it is no terminal */
};

enum {
	TERM_WIDTH = 100,
	TERM_WIDTH_MIN = 40,
	TERM_TEXT_MAX = 1024,
};

void term_init(struct term *t, FILE *out);

/* Text from outside, sanitised, cut to `max` bytes; ASCII alone where that is
 * all there is. */
void term_text(const struct term *t, const char *s, size_t max);

/*
 * A paragraph and a line end, on a terminal broken at blanks to fit it. The
 * text is sanitised already; it begins in this column (from 0), and later
 * lines after `indent` blanks.
 */
void term_wrap(const struct term *t, const char *text, int column, int indent);

/* The instruction that made a layer; "?" where that is not known (NULL). */
void term_instruction(const struct term *t, const char *created_by, size_t max);

/* "24 MiB", right-aligned in `width` columns; a '+' before what is over 0
 * with term_change(). */
void term_size(const struct term *t, int64_t bytes, int width);
void term_change(const struct term *t, int64_t bytes, int width);

/* A part of a whole as a bar of `cells`; a base's is shaded. */
void term_bar(
    const struct term *t, int64_t part, int64_t whole, int cells, bool is_base);

/* Bold until term_plain(); nothing without colour. `code` is the number of a
 * colour (SGR), 0: none. */
void term_bold(const struct term *t, int code);
void term_plain(const struct term *t);

#endif
