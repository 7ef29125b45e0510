/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
run(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

int
make_folder(void **state)
{
	char *dir = strdup("/tmp/policy-gate-test-XXXXXX");

	*state = dir;
	return dir != NULL && mkdtemp(dir) != NULL ? 0 : -1;
}

int
remove_folder(void **state)
{
	run("rm -r %s", (const char *)*state);
	free(*state);
	return 0;
}
