/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_STREAM_H
#define TESTS_UNIT_STREAM_H

#include "policy/base/document.h"

#include <stddef.h>

enum { STREAM_WANT_MAX = 8 };

/* A text and what reading all of it gives, one string each: a document as
 * compact JSON, an error as "!line:column " and a part of its message. */
struct stream_case {
	const char *name;
	const char *text;
	const char *want[STREAM_WANT_MAX];
};

/* Fails the test under the name of the case that does not hold. */
void check_streams(const struct stream_case *cases, size_t n);

/* The first document, or NULL with *at and *err. */
struct document *read_first(
    const char *text, size_t len, struct mark *at, struct error *err);

/* Every node of a document, one line each: "path line:column key line:column".
 * free() it. */
char *places_text(const struct document *d);

#endif
