/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SHELL_H
#define TESTS_UNIT_SHELL_H

/* Runs a shell's words; the test fails where they do. */
void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
