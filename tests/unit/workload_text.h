/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_WORKLOAD_TEXT_H
#define TESTS_UNIT_WORKLOAD_TEXT_H

#include "policy/workload.h"

/*
 * A workload as lines to compare with:
 *
 *	Pod shop/web app=web,tier=front on linux/arm64,linux/ windows userns
 *	containers[0].image web nginx uid=0 nonroot=no user=x unchanged
 *
 * free() it; NULL when memory is out.
 */
char *workload_text(const struct workload *w);

#endif
