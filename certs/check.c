/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/check.h"

#include "certs/pem.h"

#include <limits.h>

int
check_certificates(const char *pem, size_t len, struct error *err)
{
	AUTO(pem_chain_free)
	struct stack_st_X509 *chain = pem_chain(pem, len, INT_MAX, err);

	return chain == NULL ? -1 : 0;
}

int
check_private_key(const char *pem, size_t len, struct error *err)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *key = pem_private_key(pem, len, err);

	return key == NULL ? -1 : 0;
}
