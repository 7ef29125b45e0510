/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/set.h"

#include "certs/pem.h"
#include "policy/base/buf.h"

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

int
authority_trust(
    struct authority_set *s, const char *data, size_t len, struct error *err)
{
	struct authority_text *ca = &s->parts[CA_CRT];
	AUTO(pem_chain_free) struct stack_st_X509 *chain = NULL;
	AUTO(buf_clear) struct buf both = BUF_INIT(AUTHORITY_TRUST_MAX);
	struct error why = ERROR_INIT;

	if (ca->data != NULL && memmem(ca->data, ca->len, data, len) != NULL)
		return 0;
	chain = pem_chain(data, len, AUTHORITY_BUNDLE_MAX, &why);
	if (chain == NULL && why.code == ERR_NOMEM)
		return error_set(err, ERR_NOMEM, "%s", why.msg);
	if (chain == NULL)
		return 0;
	if (ca->data != NULL) {
		buf_add(&both, ca->data, ca->len);
		buf_puts(&both, "\n");
	}
	if (buf_add(&both, data, len) != 0)
		return error_set(err, ERR_NOMEM, "certificates");
	free(ca->data);
	ca->data = NULL;
	return authority_set_put(s, CA_CRT, buf_text(&both), both.len, err);
}
