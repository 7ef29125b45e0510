/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CHECKS_VALUES_H
#define POLICY_CHECKS_VALUES_H

#include "policy/checks/check.h"

/* Private to the table of checks: the values that fields have. */

/* Reads a field's value into its place in the parameters. 0, or -1 after
 * reporting what is wrong. */
int value_parse(const struct check_field *f, struct check_parser *p,
    const struct node *n, void *to);

/* Whether a value in its place makes its field check anything. */
bool value_demands(const struct check_field *f, const void *v);

#endif
