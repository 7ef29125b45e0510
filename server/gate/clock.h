/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_CLOCK_H
#define SERVER_GATE_CLOCK_H

#include "policy/base/clock.h"

/* The machine's clock; the one place that asks for it. */
extern const struct clock clock_real;

#endif
