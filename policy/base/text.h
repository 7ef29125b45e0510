/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_TEXT_H
#define POLICY_BASE_TEXT_H

#include "policy/base/buf.h"

#include <stddef.h>

/*
 * Adds text that came from outside (a registry, an image, a manifest) so that
 * it is safe in a terminal, a log and an AdmissionReview: white space runs
 * become one blank, control characters, invalid UTF-8 and characters that
 * reorder or hide text (bidirectional controls, zero width) become '?', runs
 * of '#' (with which commands to build servers begin) become one, and what is
 * over `max` bytes is cut at a character with "...". Returns 0 or -1.
 */
int text_sanitise(struct buf *b, const char *s, size_t max);

/*
 * Adds text as a JSON string, quotes included (RFC 8259, section 7), that shows
 * no more on a terminal than what text_sanitise() lets through: the rest is
 * escaped. Invalid UTF-8 becomes '?'; what is over `max` bytes is cut at a
 * character with "...". Returns 0 or -1.
 */
int text_quote(struct buf *b, const char *s, size_t max);

/* Whether it is one of the words; they end with NULL. */
bool text_is_one_of(const char *s, const char *const *words);

/*
 * The candidate nearest to `word` by edit distance, for "did you mean", or
 * NULL when none is near enough (a third of the word's length, at least 1, at
 * most 3 edits). `candidates` ends with NULL.
 */
const char *text_nearest(const char *word, const char *const *candidates);

#endif
