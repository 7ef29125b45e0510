/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ADMISSION_FIELD_H
#define SERVER_ADMISSION_FIELD_H

#include "policy/base/error.h"
#include "policy/workload.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Typed fields of a Kubernetes object, with the way to each for messages.
 * null counts as absent, as it does for the API server. Lives on the stack of
 * the reader: a child points at its parent.
 */
struct field {
	json_t *value; /* borrowed; NULL where absent */
	const struct field *parent;
	const char *key; /* NULL for an element of a list, and for the root */
	size_t index;
};

/* Begins a way; `name` is its first part in messages, "" for none. */
struct field field_root(json_t *value, const char *name);

/*
 * The field `key` of an object. An absent object has only absent fields.
 * Returns 0, or -1 with *err (ERR_INVALID, with the path) where the value has
 * another type. Where it is absent *out stays as it was, or becomes an absent
 * field.
 */
int field_object(const struct field *object, const char *key, struct field *out,
    struct error *err);
int field_list(const struct field *object, const char *key, struct field *out,
    struct error *err);
int field_string(const struct field *object, const char *key, const char **out,
    struct error *err);
int field_bool(const struct field *object, const char *key, enum tristate *out,
    struct error *err);
int field_integer(const struct field *object, const char *key, bool *present,
    int64_t *out, struct error *err);

/* Element i of a list, which must be an object, or a string; null is neither.
 */
int field_object_at(
    const struct field *list, size_t i, struct field *out, struct error *err);
int field_string_at(
    const struct field *list, size_t i, const char **out, struct error *err);

/* 0 where the list is absent. */
size_t field_count(const struct field *list);

/*
 * Follows steps ("spec", "template", NULL) from an object, through `way`; none
 * stay at it.
 */
enum { FIELD_STEPS_MAX = 6 };
int field_follow(const struct field *object, const char *const *steps,
    struct field way[static FIELD_STEPS_MAX], struct field *out,
    struct error *err);

#endif
