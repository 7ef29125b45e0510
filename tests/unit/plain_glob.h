/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PLAIN_GLOB_H
#define TESTS_UNIT_PLAIN_GLOB_H

#include <stdbool.h>

enum { PLAIN_GLOB_MAX = 255 }; /* bytes of either */

/*
 * The meaning of a glob as policy/glob.h tells it, word by word and slowly: for
 * each tail of the pattern, does it match each tail of the text?
 */
bool plain_glob(const char *pattern, const char *text);

#endif
