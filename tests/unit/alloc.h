/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_ALLOC_H
#define TESTS_UNIT_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Memory that runs out on purpose. The Makefile links test programs so that
 * malloc and its relatives, as called by our own code and by libyaml where a
 * static one is installed, come through here; jansson is pointed here too.
 * Safe from several threads.
 */

/* The allocation after the next `n` fails (0: the very next), once. */
void alloc_fail_at(size_t n);

/* The same, and every one after it fails too. */
void alloc_fail_from(size_t n);

/* Back to normal. Whether an allocation was made to fail since. */
bool alloc_restore(void);

/* How many allocations were asked for since alloc_fail_*(). */
size_t alloc_count(void);

/*
 * Calls run(arg) with allocation 0 failing, then 1, and so on until a call
 * gets by without reaching the one that is to fail; then the same with all
 * later ones failing too. A piece asked of an arena counts as an allocation
 * here, though it may find room where it is. `run` is to check that what it got
 * is either right or the error for memory running out, and to release it.
 * Returns how many allocations were made to fail one by one; 0 says that
 * nothing was tested.
 */
size_t alloc_fail_each(void (*run)(void *arg), void *arg);

#endif
