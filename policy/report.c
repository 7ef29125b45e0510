/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/report.h"

#include "policy/base/text.h"

#include <string.h>

enum {
	RETRY_MIN_S = 2,
	RETRY_MAX_S = 30,
	PLACE_MAX = 256,
	NOTE_MAX = 1024, /* of one annotation; what is over it is left out */
};

static int
set_text(json_t *object, const char *key, const char *value)
{
	return json_object_set_new(object, key, json_string(value));
}

/* Adds to what stands under the key already: "a; b". */
static int
add_note(json_t *object, const char *key, const struct buf *note)
{
	const char *old = json_string_value(json_object_get(object, key));
	AUTO(buf_clear) struct buf b = BUF_INIT(NOTE_MAX);

	if (buf_failed(note))
		return -1;
	if (old == NULL)
		return set_text(object, key, buf_text(note));
	if (strlen(old) + note->len + 2 > NOTE_MAX)
		return 0;
	buf_printf(&b, "%s; %s", old, buf_text(note));
	return buf_failed(&b) ? -1 : set_text(object, key, buf_text(&b));
}

static void
add_container(struct buf *b, const struct report_image *img)
{
	if (img->container->name[0] == '\0')
		return;
	text_sanitise(b, img->container->name, PLACE_MAX);
	buf_puts(b, ": ");
}

static int
annotate_finding(json_t *annotations, const struct report_image *img,
    const struct finding *f)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(NOTE_MAX);

	add_container(&b, img);
	buf_puts(&b, f->message);
	if (f->waived) {
		buf_puts(&b, " (waived by ");
		text_sanitise(&b, f->waiver->owner, PLACE_MAX);
		buf_printf(&b, " until %s)", f->waiver->expires_on);
	}
	return add_note(annotations, f->rule->name, &b);
}

static int
annotate_image(json_t *annotations, const struct report_image *img)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(NOTE_MAX);
	const struct finding *f;
	size_t i;

	for (i = 0; i < img->nfindings; i++) {
		f = &img->findings[i];
		if (!finding_does(f, MODE_ENFORCE) &&
		    annotate_finding(annotations, img, f) != 0)
			return -1;
	}
	if (img->fault.code == NULL)
		return 0;
	add_container(&b, img);
	buf_printf(&b, "%s: ", img->fault.code);
	text_sanitise(&b, img->fault.message, PLACE_MAX);
	return add_note(annotations, REPORT_ERROR_KEY, &b);
}

int
report_annotations(const struct report *r, json_t *annotations)
{
	size_t i;

	for (i = 0; i < r->nimages; i++)
		if (annotate_image(annotations, &r->images[i]) != 0)
			return -1;
	return set_text(
	    annotations, REPORT_VERDICT_KEY, verdict_name(r->verdict));
}

bool
report_may_heal(const struct report *r, int *retry_after)
{
	size_t i;

	*retry_after = RETRY_MIN_S;
	for (i = 0; i < r->nimages; i++) {
		const struct report_image *img = &r->images[i];

		if (img->verdict == VERDICT_DENY)
			return false;
		if (img->verdict != VERDICT_ERROR)
			continue;
		if (!img->fault.may_heal)
			return false;
		if (img->fault.retry_after > *retry_after)
			*retry_after = img->fault.retry_after;
	}
	if (*retry_after > RETRY_MAX_S)
		*retry_after = RETRY_MAX_S;
	return r->verdict == VERDICT_ERROR;
}
