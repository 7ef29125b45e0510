/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_INSTRUCTION_H
#define POLICY_INSTRUCTION_H

#include "policy/base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Adds a history entry's created_by as the line of a Dockerfile that it came
 * from: the builders' wrapping ("/bin/sh -c #(nop) ", "RUN |1 A=b /bin/sh -c ",
 * " # buildkit") is taken off, values of build arguments and of what is named
 * or written like a secret become "***", and the rest is sanitised and cut to
 * `max` bytes. Returns 0 or -1.
 */
int instruction_add(struct buf *b, const char *created_by, size_t max);

/* "RUN", "COPY", ... of what instruction_add() would show: whether it is that
 * keyword. */
bool instruction_is(const char *created_by, const char *keyword);

#endif
