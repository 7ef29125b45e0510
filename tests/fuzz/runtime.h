/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_RUNTIME_H
#define TESTS_FUZZ_RUNTIME_H

#include "policy/facts.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * A document as a container runtime, written in Go, reads it: of several keys
 * that differ only in case the last one counts, and null leaves what was there.
 * All keys are lowercase here. A new reference, or NULL where it is not JSON.
 */
json_t *runtime_read(const char *data, size_t size);

/* "" where absent, as Go has it. Borrowed. */
const char *runtime_string(const json_t *object, const char *key);

/* What we read is what the runtime reads. */
void must_be_text(const char *ours, const json_t *object, const char *key);
void must_be_list(
    const struct string_list *ours, const json_t *object, const char *key);

/* The facts are those of this config; `listed`: an index may have said which
 * variant it is. */
void must_be_config(const struct image *img, const json_t *root, bool listed);

#endif
