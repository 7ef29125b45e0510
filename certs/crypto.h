/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_CRYPTO_H
#define CERTS_CRYPTO_H

#include "policy/base/error.h"

#include <stdbool.h>

/*
 * libcrypto has failed: records ERR_NOMEM where it says that it ran out of
 * memory (some of its parts say something else then), else `code`, with `what`
 * as the message. Its error queue is per thread and is left empty, or what we
 * leave would be blamed on others. Returns -1.
 */
int crypto_failed(struct error *err, enum err_code code, const char *what);

/* Empties the error queue; whether it says that memory ran out. */
bool crypto_ran_out(void);

#endif
