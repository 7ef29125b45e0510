/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_RECORDS_H
#define CERTS_RECORDS_H

/*
 * TLS records that a connection brings and nothing comes of. libcurl reads on
 * as long as there is something to read and no content in it: frames of HTTP/2
 * without an end would hold up the thread, and all other connections with it.
 *
 * For one thread. Set to zero whenever it is the others' turn, and whenever
 * something came of one.
 */
struct records {
	const void *connection; /* that brought the last ones */
	unsigned n;
};

enum { RECORDS_MAX = 256 };

/*
 * Connections of this SSL_CTX end, as if the other side had ended them, at
 * RECORDS_MAX records in a row. *r is borrowed, and outlives them.
 */
void records_bound(void *ssl_ctx, struct records *r);

#endif
