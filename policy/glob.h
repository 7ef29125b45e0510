/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_GLOB_H
#define POLICY_GLOB_H

#include <stdbool.h>
#include <stddef.h>

enum { GLOB_PATTERN_MAX = 16 * 1024 }; /* bytes; refuse longer ones */

/*
 * '*' matches any run of characters but '/', '**' any run at all, '?' one
 * character but '/'. There is no escape and no class. Linear in pattern
 * times text, and nearly always told by the first bytes or the last. Where
 * over GLOB_PATTERN_MAX bytes lie between the first and the last wildcard
 * nothing matches.
 */
bool glob_match(const char *pattern, const char *text);

/*
 * A list of globs where a leading '!' excludes. Matches when a glob that
 * includes matches (or there is none that includes) and none that excludes
 * does. An empty list matches everything.
 */
bool glob_list_match(const char *const *patterns, size_t n, const char *text);

/* How many steps glob_match() goes, for tests of its bound: at most four for
 * each place in the pattern and byte of the text. */
size_t glob_steps(const char *pattern, const char *text);

#endif
