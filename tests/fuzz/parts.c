/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/parts.h"

#include "certs/digest.h"
#include "policy/base/buf.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/runtime.h"

#include <stdio.h>
#include <string.h>

static const char border[] = "\n===\n";

/* Adds text with what its marks stand for. */
static void
expand(struct buf *out, const struct parts *p, size_t known, const char *text,
    size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t k = i + 1 < len ? (size_t)(text[i + 1] - '0') : known;

		if ((text[i] != '@' && text[i] != '#') || k >= known) {
			buf_add(out, &text[i], 1);
			continue;
		}
		if (text[i] == '@')
			buf_puts(out, p->items[k].digest + strlen("sha256:"));
		else
			buf_printf(out, "%zu", p->items[k].len);
		i++;
	}
}

static const char *
take(struct buf *b, size_t *len, struct arena *mem)
{
	if (buf_failed(b))
		return NULL;
	if (len != NULL)
		*len = b->len;
	return arena_strndup(mem, buf_text(b), b->len);
}

static int
read_part(struct parts *p, const char *text, size_t len, struct arena *mem)
{
	AUTO(buf_clear) struct buf content = BUF_INIT(PART_BYTES_MAX);
	AUTO(buf_clear) struct buf name = BUF_INIT(PART_BYTES_MAX);
	struct part *part = &p->items[p->n];
	const char *end = memchr(text, '\n', len);
	const size_t first = end != NULL ? (size_t)(end - text) : len;
	const size_t skip = end != NULL ? first + 1 : len;
	struct error err = ERROR_INIT;

	expand(&content, p, p->n, text + skip, len - skip);
	part->data = take(&content, &part->len, mem);
	if (part->data == NULL || digest_of("sha256:", part->data, part->len,
				      part->digest, &err) != 0)
		return -1;
	expand(&name, p, ++p->n, text, first);
	part->name = take(&name, NULL, mem);
	return part->name != NULL ? 0 : -1;
}

int
parts_read(struct parts *p, const uint8_t *data, size_t size, struct arena *mem)
{
	const char *text = (const char *)data;

	p->n = 0;
	while (p->n < PARTS_MAX) {
		const char *end = memmem(text, size, border, strlen(border));
		size_t len = end != NULL ? (size_t)(end - text) : size;

		/* Text alone: its digest is that of all bytes. */
		if (memchr(text, '\0', len) != NULL ||
		    read_part(p, text, len, mem) != 0)
			return -1;
		if (end == NULL)
			return 0;
		text += len + strlen(border);
		size -= len + strlen(border);
	}
	return -1;
}

const struct part *
parts_find(const struct parts *p, const char *digest)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->items[i].digest, digest) == 0)
			return &p->items[i];
	return NULL;
}

void
parts_must_say(
    const struct parts *p, const struct image *img, bool with_manifest)
{
	const struct part *config = parts_find(p, img->config_digest);
	const struct part *manifest = parts_find(p, img->digest);
	AUTO(json_decref) json_t *theirs = NULL;
	const json_t *layers;
	json_int_t size = 0;

	MUST(config != NULL);
	theirs = runtime_read(config->data, config->len);
	must_be_config(img, theirs, with_manifest);
	if (!with_manifest)
		return;
	MUST(manifest != NULL);
	json_decref(theirs);
	theirs = runtime_read(manifest->data, manifest->len);
	layers = json_object_get(theirs, "layers");
	MUST(json_array_size(layers) == img->nlayers);
	for (size_t i = 0; i < img->nlayers; i++)
		size += json_integer_value(
		    json_object_get(json_array_get(layers, i), "size"));
	MUST(size == img->size);
}
