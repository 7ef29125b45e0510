/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/digest.h"

#include "certs/crypto.h"

#include <openssl/evp.h>
#include <string.h>

struct digest {
	EVP_MD_CTX *ctx;
	const char *prefix; /* "sha256:" */
};

static const struct algorithm {
	const char *prefix;
	const EVP_MD *(*md)(void);
} algorithms[] = {
    {"sha256:", EVP_sha256},
    {"sha512:", EVP_sha512},
};

enum { ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]) };

static int
failed(struct error *err)
{
	return crypto_failed(err, ERR_INTERNAL, "libcrypto cannot hash");
}

static const struct algorithm *
find(const char *like)
{
	size_t i;

	for (i = 0; i < ALGORITHMS; i++)
		if (strncmp(like, algorithms[i].prefix,
			strlen(algorithms[i].prefix)) == 0)
			return &algorithms[i];
	return NULL;
}

struct digest *
digest_new(const char *like, struct error *err)
{
	const struct algorithm *a = find(like);
	AUTO(digest_free) struct digest *d = NULL;

	if (a == NULL) {
		error_set(err, ERR_UNSUPPORTED,
		    "only sha256 and sha512 digests can be verified");
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (d != NULL)
		d->ctx = EVP_MD_CTX_new();
	if (d == NULL || d->ctx == NULL) {
		crypto_failed(err, ERR_NOMEM, "digest");
		return NULL;
	}
	d->prefix = a->prefix;
	if (EVP_DigestInit_ex(d->ctx, a->md(), NULL) != 1) {
		failed(err);
		return NULL;
	}
	return TAKE(d);
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

int
digest_update(struct digest *d, const void *data, size_t len, struct error *err)
{
	return EVP_DigestUpdate(d->ctx, data, len) == 1 ? 0 : failed(err);
}

int
digest_finish(
    struct digest *d, char text[static DIGEST_TEXT_MAX], struct error *err)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int i, n;
	char *p = text + strlen(d->prefix);

	if (EVP_DigestFinal_ex(d->ctx, md, &n) != 1)
		return failed(err);
	memcpy(text, d->prefix, strlen(d->prefix));
	for (i = 0; i < n; i++) {
		*p++ = hex[md[i] >> 4];
		*p++ = hex[md[i] & 15];
	}
	*p = '\0';
	return 0;
}

int
digest_of(const char *like, const void *data, size_t len,
    char text[static DIGEST_TEXT_MAX], struct error *err)
{
	AUTO(digest_free) struct digest *d = digest_new(like, err);

	if (d == NULL || digest_update(d, data, len, err) != 0)
		return -1;
	return digest_finish(d, text, err);
}
