/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/records.h"

#include <openssl/ssl.h>

static void
on_message(int sent, int version, int type, const void *data, size_t len,
    SSL *ssl, void *arg)
{
	struct records *r = arg;

	(void)version;
	(void)data;
	(void)len;
	if (sent || type != SSL3_RT_HEADER)
		return;
	if (r->connection != ssl)
		*r = (struct records){.connection = ssl};
	if (++r->n > RECORDS_MAX)
		SSL_set_shutdown(
		    ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
}

void
records_bound(void *ssl_ctx, struct records *r)
{
	SSL_CTX_set_msg_callback(ssl_ctx, on_message);
	SSL_CTX_set_msg_callback_arg(ssl_ctx, r);
}
