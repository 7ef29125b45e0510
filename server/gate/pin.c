/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/pin.h"

#include "policy/base/buf.h"
#include "policy/base/text.h"

#include <string.h>

enum { POINTER_MAX = 512, PINNED_MAX = 2048, NAME_MAX_SHOWN = 100 };

/* "spec.containers[0].image" as a JSON Pointer: "/spec/containers/0/image".
 * None of the names on the way has a character that needs escaping. */
static void
add_pointer(struct buf *b, const char *path)
{
	buf_puts(b, "/");
	for (; *path != '\0'; path++) {
		if (*path == '.' || *path == '[')
			buf_puts(b, "/");
		else if (*path != ']')
			buf_add(b, path, 1);
	}
}

static int
add_operation(
    json_t *patch, const char *op, const struct buf *path, const char *value)
{
	return json_array_append_new(
	    patch, json_pack("{s:s, s:s, s:s}", "op", op, "path",
		       buf_text(path), "value", value));
}

static int
pin(const struct container *c, const char *digest, json_t *patch)
{
	AUTO(buf_clear)
	struct buf pointer = BUF_INIT(POINTER_MAX),
		   pinned = BUF_INIT(PINNED_MAX);

	add_pointer(&pointer, c->path);
	buf_printf(&pinned, "%s@%s", c->image, digest);
	if (buf_failed(&pointer) || buf_failed(&pinned) ||
	    add_operation(patch, "test", &pointer, c->image) != 0)
		return -1;
	return add_operation(patch, "replace", &pointer, buf_text(&pinned));
}

static int
warn(const struct report_image *img, json_t *warnings)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(PINNED_MAX);

	text_sanitise(&b, img->container->name, NAME_MAX_SHOWN);
	buf_printf(&b, ": not pinned to a digest: %s", img->fault.code);
	return json_array_append_new(warnings, json_string(buf_text(&b)));
}

int
pin_report(const struct report *r, json_t *patch, json_t *warnings)
{
	const struct plan_image *planned;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->nimages; i++) {
		planned = &r->plan->images[i];
		if (planned->parsed && planned->ref.digest != NULL)
			continue;
		if (planned->facts != NULL)
			rc = pin(
			    planned->container, planned->facts->digest, patch);
		else if (r->images[i].fault.code != NULL)
			rc = warn(&r->images[i], warnings);
	}
	return rc;
}
