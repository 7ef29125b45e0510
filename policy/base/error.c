/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
cut_mark(char *msg, int needed)
{
	if (needed >= ERROR_MSG_MAX)
		memcpy(msg + ERROR_MSG_MAX - 4, "...", 4);
}

int
error_set_at(struct error *err, const char *file, int line, enum err_code code,
    const char *fmt, ...)
{
	va_list ap;

	if (err->code != ERR_NONE)
		return -1;
	err->code = code;
	err->file = file;
	err->line = line;
	va_start(ap, fmt);
	cut_mark(err->msg, vsnprintf(err->msg, sizeof(err->msg), fmt, ap));
	va_end(ap);
	return -1;
}

int
error_wrap(struct error *err, const char *fmt, ...)
{
	char context[ERROR_MSG_MAX], inner[ERROR_MSG_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	if (n < 0)
		return -1;
	memcpy(inner, err->msg, sizeof(inner));
	n = snprintf(err->msg, sizeof(err->msg), "%s: %s", context, inner);
	cut_mark(err->msg, n);
	return -1;
}

void
error_clear(struct error *err)
{
	*err = (struct error)ERROR_INIT;
}
