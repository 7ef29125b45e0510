/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/report.h"

#include "policy/base/text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* One finding's line: message, evidence, fix and owner at their longest. */
enum {
	LINE_BYTES_MAX = 2048,
	HEADED_LINE_BYTES_MAX = 2 * LINE_BYTES_MAX,
	PLACE_MAX = 256,
	FAULT_MAX = 512,
	MORE_MAX = 64, /* "and N more" */
	EVIDENCE_LEAST = 48,
	TERSE_MAX = 128, /* of a line where there is little room */
};

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

/* The length of those of the clauses ("...; ...") that fit into `room` bytes; 0
 * where the first does not. */
static size_t
whole_clauses(const char *evidence, size_t room)
{
	bool quoted = false;
	size_t i, whole = 0;

	for (i = 0; i < room && evidence[i] != '\0'; i++) {
		quoted ^= evidence[i] == '"';
		if (!quoted && strncmp(evidence + i, "; ", 2) == 0)
			whole = i;
	}
	return evidence[i] == '\0' ? i : whole;
}

/* Evidence in `room` bytes: clauses go first, and an instruction that is cut
 * ends in its quote. */
static void
add_evidence(struct buf *b, const char *evidence, size_t room)
{
	AUTO(buf_clear) struct buf cut = BUF_INIT(LINE_BYTES_MAX);
	const size_t whole = whole_clauses(evidence, room);
	size_t i;
	bool quoted = false;

	if (whole > 0)
		buf_add(&cut, evidence, whole);
	else
		text_sanitise(&cut, evidence, room - 1);
	for (i = 0; i < cut.len; i++)
		quoted ^= buf_text(&cut)[i] == '"';
	add_capitalised(b, buf_text(&cut));
	buf_puts(b, quoted ? "\"" : "");
	b->failed |= buf_failed(&cut);
}

/*
 * "web: size 812 MiB is over 300 MiB (lean-images). 512 MiB come from layer 5
 * of 14: build in a separate stage. Owner: platform-team."
 * `evidence` is its room in bytes; 0: none.
 */
static void
add_sentences(struct buf *b, const struct report_image *img,
    const struct finding *f, size_t evidence, bool fix)
{
	const bool proved = f->evidence[0] != '\0' && evidence > 0;

	add_container(b, img);
	add_platform(b, img, f);
	buf_printf(b, "%s (%s).", f->message, f->rule->name);
	if (proved) {
		buf_puts(b, " ");
		add_evidence(b, f->evidence, evidence);
		buf_printf(b, ": %s.", f->fix);
	} else if (fix) {
		buf_puts(b, " ");
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

/* How much evidence leaves a line of `len` bytes with `max`; 0: none is worth
 * it. */
static size_t
room_for_evidence(const struct finding *f, size_t len, size_t max)
{
	const size_t all = strlen(f->evidence),
		     over = len > max ? len - max : 0;

	return all >= over + EVIDENCE_LEAST ? all - over : 0;
}

/* In at most `max` bytes: what helps least to mend the image goes first. */
static void
add_finding(struct buf *b, const struct report_image *img,
    const struct finding *f, size_t max)
{
	AUTO(buf_clear) struct buf line = BUF_INIT(LINE_BYTES_MAX);
	size_t room;

	add_sentences(&line, img, f, SIZE_MAX, true);
	room = room_for_evidence(f, line.len, max);
	if (line.len > max) {
		buf_truncate(&line, 0);
		add_sentences(&line, img, f, room, true);
	}
	if (line.len > max) {
		buf_truncate(&line, 0);
		add_sentences(&line, img, f, 0, false);
	}
	b->failed |= buf_failed(&line);
	text_sanitise(b, buf_text(&line), max);
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
	size_t max;
	size_t line_max; /* of one finding */
	size_t left;     /* lines not told */
};

static int
tell(struct message *m, const struct buf *line)
{
	if (buf_failed(line))
		return -1;
	if (m->left > 0 || m->out->len + line->len + 1 > m->max - MORE_MAX) {
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
		if (!finding_does(&img->findings[i], MODE_ENFORCE))
			continue;
		start_line(&line, img, first);
		add_finding(&line, img, &img->findings[i], m->line_max);
		if (tell(m, &line) != 0)
			return -1;
		first = false;
	}
	if (img->fault.code == NULL || img->on_error != ON_ERROR_DENY)
		return 0;
	start_line(&line, img, first);
	add_fault(&line, img);
	if (img->verdict == VERDICT_ERROR && img->fault.may_heal)
		buf_puts(&line, "; this may pass: try again");
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

static int
compose(struct message *m, const struct report *r)
{
	size_t i, rejected = 0;

	for (i = 0; i < r->nimages; i++)
		rejected += is_rejected(&r->images[i]);
	buf_truncate(m->out, 0);
	buf_printf(m->out, "%zu of %zu %s rejected", rejected, r->nimages,
	    r->nimages == 1 ? "image" : "images");
	if (tell_all(m, r, VERDICT_DENY) != 0 ||
	    tell_all(m, r, VERDICT_ERROR) != 0)
		return -1;
	if (m->left > 0)
		buf_printf(m->out, "\nand %zu more", m->left);
	return buf_failed(m->out) ? -1 : 0;
}

/* Shorter lines before fewer of them. */
int
report_message(const struct report *r, size_t max, struct buf *b)
{
	static const size_t line_max[] = {
	    LINE_BYTES_MAX, REPORT_WARNING_MAX, TERSE_MAX};
	struct message m;
	size_t i;

	for (i = 0; i < sizeof(line_max) / sizeof(line_max[0]); i++) {
		m = (struct message){
		    .out = b, .max = max, .line_max = line_max[i]};
		if (compose(&m, r) != 0)
			return -1;
		if (m.left == 0)
			break;
	}
	return 0;
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

/* Findings with the effect of `mode`, and an error that does as `told`. */
static int
warn_image(json_t *warnings, const struct report_image *img, enum mode mode,
    enum on_error told)
{
	AUTO(buf_clear) struct buf line = BUF_INIT(LINE_BYTES_MAX);
	size_t i;

	for (i = 0; i < img->nfindings; i++) {
		if (!finding_does(&img->findings[i], mode))
			continue;
		buf_truncate(&line, 0);
		add_finding(&line, img, &img->findings[i], REPORT_WARNING_MAX);
		if (append_warning(warnings, &line) != 0)
			return -1;
	}
	if (img->fault.code == NULL || img->on_error != told)
		return 0;
	buf_truncate(&line, 0);
	add_fault(&line, img);
	return append_warning(warnings, &line);
}

static int
warn_all(const struct report *r, json_t *warnings, enum mode mode,
    enum on_error told)
{
	size_t i;

	for (i = 0; i < r->nimages; i++)
		if (warn_image(warnings, &r->images[i], mode, told) != 0)
			return -1;
	return 0;
}

int
report_warnings(const struct report *r, json_t *warnings)
{
	return warn_all(r, warnings, MODE_WARN, ON_ERROR_WARN);
}

int
report_denials(const struct report *r, json_t *warnings)
{
	return warn_all(r, warnings, MODE_ENFORCE, ON_ERROR_DENY);
}
