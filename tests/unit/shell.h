/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SHELL_H
#define TESTS_UNIT_SHELL_H

/* Runs a shell's words; the test fails where they do. */
void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A test's own folder, as cmocka's set-up and tear-down: *state is its path. */
int make_folder(void **state);
int remove_folder(void **state);

#endif
