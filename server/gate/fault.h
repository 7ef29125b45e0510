/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_FAULT_H
#define SERVER_GATE_FAULT_H

#include "policy/base/arena.h"
#include "policy/base/error.h"
#include "policy/evaluate.h"

/* The one table from an error's code to what users are told. */

/* The stable code's name: "NOT_FOUND"; "INTERNAL" for what no image causes. */
const char *fault_code(enum err_code code);

/*
 * An error as the fault of an image. With `discreet`, an address that the
 * guard blocked reads exactly as one that does not answer: whoever chose it
 * learns nothing of the network. The message is copied into `mem`.
 */
struct fault fault_of(
    const struct error *err, bool discreet, struct arena *mem);

#endif
