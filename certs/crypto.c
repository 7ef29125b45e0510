/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/crypto.h"

#include <openssl/err.h>
#include <stdbool.h>

int
crypto_failed(struct error *err, enum err_code code, const char *what)
{
	/* It records every failure, unless there is no memory even for that. */
	bool out_of_memory = ERR_peek_error() == 0;
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			out_of_memory = true;
	if (out_of_memory)
		return error_set(err, ERR_NOMEM, "out of memory: %s", what);
	return error_set(err, code, "%s", what);
}
