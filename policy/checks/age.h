/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CHECKS_AGE_H
#define POLICY_CHECKS_AGE_H

#include "policy/base/buf.h"
#include "policy/facts.h"

/*
 * Seconds from config.created to `now`, or -1 where the age is not known: no
 * date, one in the future, or one of 1980 or before, as builders write it that
 * want the same image from the same sources.
 */
int64_t image_age(const struct image *img, int64_t now);

#endif
