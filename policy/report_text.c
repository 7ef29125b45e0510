/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/report.h"

#include "policy/base/text.h"

#include <ctype.h>
#include <string.h>

/* One finding's line: message, evidence, fix and owner at their longest. */
enum {
	LINE_BYTES_MAX = 2048,
	HEADED_LINE_BYTES_MAX = 2 * LINE_BYTES_MAX,
	PLACE_MAX = 256,
	FAULT_MAX = 512,
	MORE_MAX = 64, /* "and N more" */
};

static bool
denies(const struct finding *f)
{
	return f->rule->mode == MODE_ENFORCE && !f->waived;
}

static bool
warns(const struct finding *f)
{
	return f->rule->mode == MODE_WARN && !f->waived;
}

static bool
is_rejected(const struct report_image *img)
{
	return img->verdict == VERDICT_DENY || img->verdict == VERDICT_ERROR;
}

static void
add_container(struct buf *b, const struct report_image *img)
{
	if (img->container->name[0] == '\0')
		return;
	text_sanitise(b, img->container->name, PLACE_MAX);
	buf_puts(b, ": ");
}

/* Only where an image has several does the platform tell anything. */
static void
add_platform(
    struct buf *b, const struct report_image *img, const struct finding *f)
{
	if (img->nplatforms > 1 && f->platform[0] != '\0')
		buf_printf(b, "%s: ", f->platform);
}

/* A sentence out of a clause. */
static void
add_capitalised(struct buf *b, const char *s)
{
	const char first = (char)toupper((unsigned char)s[0]);

	if (s[0] == '\0')
		return;
	buf_add(b, &first, 1);
	buf_puts(b, s + 1);
}

static void
add_expired(struct buf *b, const struct finding *f)
{
	if (f->waiver == NULL || f->waived)
		return;
	buf_puts(b, " The waiver of ");
	text_sanitise(b, f->waiver->owner, PLACE_MAX);
	buf_printf(b, " expired on %s.", f->waiver->expires_on);
}

/*
 * "web: size 812 MiB is over 300 MiB (lean-images). 512 MiB come from layer 5
 * of 14: build in a separate stage. Owner: platform-team."
 */
static void
add_finding(
    struct buf *b, const struct report_image *img, const struct finding *f)
{
	add_container(b, img);
	add_platform(b, img, f);
	buf_printf(b, "%s (%s). ", f->message, f->rule->name);
	if (f->evidence[0] != '\0') {
		add_capitalised(b, f->evidence);
		buf_printf(b, ": %s.", f->fix);
	} else {
		add_capitalised(b, f->fix);
		buf_puts(b, ".");
	}
	add_expired(b, f);
	if (f->rule->owner[0] != '\0') {
		buf_puts(b, " Owner: ");
		text_sanitise(b, f->rule->owner, PLACE_MAX);
		buf_puts(b, ".");
	}
}

static void
add_fault(struct buf *b, const struct report_image *img)
{
	add_container(b, img);
	if (img->verdict != VERDICT_DENY || img->nfindings > 0)
		buf_puts(b, "could not be judged: ");
	buf_printf(b, "%s: ", img->fault.code);
	text_sanitise(b, img->fault.message, FAULT_MAX);
}

/* A denial as it grows: once a line does not fit, the rest is counted. */
struct message {
	struct buf *out;
	size_t left; /* lines not told */
};

static int
tell(struct message *m, const struct buf *line)
{
	if (buf_failed(line))
		return -1;
	if (m->left > 0 ||
	    m->out->len + line->len + 1 > REPORT_MESSAGE_MAX - MORE_MAX) {
		m->left++;
		return 0;
	}
	buf_puts(m->out, "\n");
	return buf_puts(m->out, buf_text(line));
}

static void
add_head(struct buf *line, const struct report_image *img)
{
	text_sanitise(line, img->container->path, PLACE_MAX);
	buf_puts(line, " ");
	text_sanitise(line, img->container->image, PLACE_MAX);
	buf_puts(line, "\n  ");
}

/* An image's place stands in one line with its first complaint, so that
 * neither is told without the other. */
static void
start_line(struct buf *line, const struct report_image *img, bool first)
{
	buf_truncate(line, 0);
	if (first)
		add_head(line, img);
	else
		buf_puts(line, "  ");
}

static int
tell_image(struct message *m, const struct report_image *img)
{
	AUTO(buf_clear) struct buf line = BUF_INIT(HEADED_LINE_BYTES_MAX);
	bool first = true;
	size_t i;

	for (i = 0; i < img->nfindings; i++) {
		if (!denies(&img->findings[i]))
			continue;
		start_line(&line, img, first);
		add_finding(&line, img, &img->findings[i]);
		if (tell(m, &line) != 0)
			return -1;
		first = false;
	}
	if (img->fault.code == NULL || img->on_error != ON_ERROR_DENY)
		return 0;
	start_line(&line, img, first);
	add_fault(&line, img);
	return tell(m, &line);
}

static int
tell_all(struct message *m, const struct report *r, enum verdict v)
{
	size_t i;

	for (i = 0; i < r->nimages; i++)
		if (r->images[i].verdict == v &&
		    tell_image(m, &r->images[i]) != 0)
			return -1;
	return 0;
}

int
report_message(const struct report *r, struct buf *b)
{
	struct message m = {.out = b};
	size_t i, rejected = 0;

	for (i = 0; i < r->nimages; i++)
		rejected += is_rejected(&r->images[i]);
	buf_printf(b, "%zu of %zu %s rejected", rejected, r->nimages,
	    r->nimages == 1 ? "image" : "images");
	if (tell_all(&m, r, VERDICT_DENY) != 0 ||
	    tell_all(&m, r, VERDICT_ERROR) != 0)
		return -1;
	if (m.left > 0)
		buf_printf(b, "\nand %zu more", m.left);
	return buf_failed(b) ? -1 : 0;
}

static int
append_warning(json_t *warnings, const struct buf *line)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(REPORT_WARNING_MAX);

	if (buf_failed(line) ||
	    text_sanitise(&b, buf_text(line), REPORT_WARNING_MAX) != 0)
		return -1;
	return json_array_append_new(warnings, json_string(buf_text(&b)));
}

static int
warn_image(json_t *warnings, const struct report_image *img)
{
	AUTO(buf_clear) struct buf line = BUF_INIT(LINE_BYTES_MAX);
	size_t i;

	for (i = 0; i < img->nfindings; i++) {
		if (!warns(&img->findings[i]))
			continue;
		buf_truncate(&line, 0);
		add_finding(&line, img, &img->findings[i]);
		if (append_warning(warnings, &line) != 0)
			return -1;
	}
	if (img->fault.code == NULL || img->on_error != ON_ERROR_WARN)
		return 0;
	buf_truncate(&line, 0);
	add_fault(&line, img);
	return append_warning(warnings, &line);
}

int
report_warnings(const struct report *r, json_t *warnings)
{
	size_t i;

	for (i = 0; i < r->nimages; i++)
		if (warn_image(warnings, &r->images[i]) != 0)
			return -1;
	return 0;
}
