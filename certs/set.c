/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/set.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

const char *const authority_names[AUTHORITY_PARTS] = {
    "ca.crt", "ca.key", "tls.crt", "tls.key"};

void
authority_set_clear(struct authority_set *s)
{
	size_t i;

	for (i = 0; i < AUTHORITY_PARTS; i++) {
		if (s->parts[i].data != NULL)
			OPENSSL_cleanse(s->parts[i].data, s->parts[i].len);
		free(s->parts[i].data);
	}
	*s = (struct authority_set){0};
}

bool
authority_same(const struct authority_set *a, const struct authority_set *b,
    enum authority_part part)
{
	const struct authority_text *x = &a->parts[part], *y = &b->parts[part];

	return x->data != NULL && y->data != NULL && x->len == y->len &&
	       memcmp(x->data, y->data, x->len) == 0;
}

int
authority_set_put(struct authority_set *s, enum authority_part part,
    const char *data, size_t len, struct error *err)
{
	char *copy = calloc(len + 1, 1);

	if (copy == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	memcpy(copy, data, len);
	s->parts[part] = (struct authority_text){copy, len};
	return 0;
}
