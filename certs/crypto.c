/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/crypto.h"

#include <openssl/err.h>

bool
crypto_ran_out(void)
{
	bool out_of_memory = false;
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			out_of_memory = true;
	return out_of_memory;
}

int
crypto_failed(struct error *err, enum err_code code, const char *what)
{
	/* It records every failure, unless there is no memory even for that. */
	const bool silent = ERR_peek_error() == 0;

	if (crypto_ran_out() || silent)
		return error_set(err, ERR_NOMEM, "out of memory: %s", what);
	return error_set(err, code, "%s", what);
}
