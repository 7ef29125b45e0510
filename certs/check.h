/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_CHECK_H
#define CERTS_CHECK_H

#include "policy/base/error.h"

#include <stddef.h>

/* What a PEM text must hold that a library will read when it is used: told
 * while it can still be refused. */

/* At least one certificate and none that is broken, out of date or not. 0, or
 * -1 with *err: ERR_SYNTAX, ERR_NOMEM. */
int check_certificates(const char *pem, size_t len, struct error *err);

/* A private key. 0, or -1 with *err: ERR_SYNTAX, ERR_INVALID (it is
 * encrypted), ERR_NOMEM. */
int check_private_key(const char *pem, size_t len, struct error *err);

#endif
