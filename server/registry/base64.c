/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

int
base64_encode(struct buf *out, const void *data, size_t len)
{
	const unsigned char *p = data;
	char quad[4];
	size_t i, j, n;
	uint32_t v;

	for (i = 0; i < len; i += 3) {
		n = len - i < 3 ? len - i : 3;
		v = 0;
		for (j = 0; j < 3; j++)
			v = v << 8 | (j < n ? p[i + j] : 0U);
		for (j = 0; j < 4; j++)
			quad[j] =
			    j > n ? '='
				  : alphabet[v >> (18 - 6 * (unsigned)j) & 63];
		if (buf_add(out, quad, 4) != 0)
			return -1;
	}
	return 0;
}

int
base64_decode(struct buf *out, const char *text, size_t len)
{
	unsigned char byte;
	const char *at;
	uint32_t v = 0;
	int bits = 0;
	size_t i;

	if (len % 4 == 0 && len > 0 && text[len - 1] == '=')
		len -= text[len - 2] == '=' ? 2 : 1;
	if (len % 4 == 1)
		return -1;
	for (i = 0; i < len; i++) {
		at = text[i] == '\0' ? NULL : strchr(alphabet, text[i]);
		if (at == NULL)
			return -1;
		v = v << 6 | (uint32_t)(at - alphabet);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		byte = (unsigned char)(v >> bits);
		v &= (1U << bits) - 1;
		if (buf_add(out, &byte, 1) != 0)
			return -1;
	}
	return v == 0 ? 0 : -1;
}
