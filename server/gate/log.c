/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/log.h"

#include "policy/base/buf.h"
#include "policy/base/text.h"
#include "policy/base/units.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};
/* Those of syslog(3), as sd-daemon(3) has them in a line. */
static const char *const prefixes[] = {"<7>", "<6>", "<4>", "<3>"};

bool
log_level_parse(const char *s, enum log_level *level)
{
	size_t i;

	for (i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(s, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	return false;
}

/* Adds the members of an object, a comma before each but the first. */
static void
add_members(struct buf *b, const char *fmt, va_list ap)
{
	const struct buf *json;
	const char *text, *comma = "";

	while ((fmt = strchr(fmt, ':')) != NULL) {
		buf_puts(b, comma);
		text_quote(b, va_arg(ap, const char *), LOG_TEXT_MAX);
		buf_puts(b, ":");
		comma = ",";
		switch (*++fmt) {
		case 's':
		case 'l':
			text = va_arg(ap, const char *);
			if (text != NULL)
				text_quote(b, text,
				    *fmt == 's' ? LOG_TEXT_MAX : LOG_LONG_MAX);
			else
				buf_puts(b, "null");
			break;
		case 'i':
			buf_printf(b, "%" PRId64, va_arg(ap, int64_t));
			break;
		case 'f':
			buf_printf(b, "%.3f", va_arg(ap, double));
			break;
		case 'b':
			buf_puts(b, va_arg(ap, int) ? "true" : "false");
			break;
		case 'j':
			json = va_arg(ap, const struct buf *);
			buf_puts(b, buf_text(json));
			b->failed |= json->failed;
			break;
		default:
			b->failed = true;
		}
	}
}

void
log_object(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	buf_puts(b, "{");
	va_start(ap, fmt);
	add_members(b, fmt, ap);
	va_end(ap);
	buf_puts(b, "}");
}

/* Until `until` for room; a pipe with room takes PIPE_BUF bytes at once. */
static bool
has_room(const struct log *l, int64_t until)
{
	struct pollfd p = {.fd = l->fd, .events = POLLOUT};
	const int64_t left = until - l->clock->monotonic_ms(l->clock);

	return poll(&p, 1, left > 0 ? (int)left : 0) > 0;
}

/* There is nobody to tell of a failure. False: there was no room in time. */
static bool
write_all(
    const struct log *l, const struct buf *line, int64_t until, size_t *done)
{
	size_t piece;
	ssize_t n;

	for (*done = 0; *done < line->len; *done += (size_t)n) {
		if (l->sink != NULL && !has_room(l, until))
			return false;
		piece = line->len - *done;
		if (l->sink != NULL && piece > PIPE_BUF)
			piece = PIPE_BUF;
		n = write(l->fd, line->data + *done, piece);
		if (n <= 0)
			break;
	}
	return true;
}

static void
begin_line(const struct log *l, enum log_level level, const char *event,
    struct buf *line)
{
	if (l->prefixed)
		buf_puts(line, prefixes[level]);
	buf_puts(line, "{\"time\":\"");
	units_add_time(line, l->clock->wall_s(l->clock));
	buf_printf(line, "\",\"level\":\"%s\",\"event\":\"%s\"",
	    level_names[level], event);
}

/* With the lock held. A pipe takes more than PIPE_BUF bytes in pieces when it
 * is full, with those of others between: hence the lock. */
static void
write_shared(const struct log *l, const struct buf *line)
{
	struct log_sink *s = l->sink;
	const int64_t now = l->clock->monotonic_ms(l->clock);
	const int64_t until = now >= s->patient_from ? now + LOG_WAIT_MS : now;
	AUTO(buf_clear) struct buf before = BUF_INIT(LOG_LINE_MAX);
	size_t done = 0;

	if (s->torn)
		buf_puts(&before, "\n");
	if (s->lost > 0) {
		begin_line(l, LOG_WARN, "lines_lost", &before);
		buf_printf(&before, ",\"lines\":%" PRId64 "}\n", s->lost);
	}
	if (!before.failed && write_all(l, &before, until, &done)) {
		s->torn = false;
		s->lost = 0;
		if (write_all(l, line, until, &done))
			return;
	}
	s->torn |= done > 0;
	s->lost++;
	if (until > now)
		s->patient_from = until + LOG_WAIT_AGAIN_MS;
}

static void
write_line(const struct log *l, const struct buf *line)
{
	size_t done;

	if (l->sink == NULL) {
		write_all(l, line, 0, &done);
		return;
	}
	pthread_mutex_lock(&l->sink->lock);
	write_shared(l, line);
	pthread_mutex_unlock(&l->sink->lock);
}

void
log_event(const struct log *l, enum log_level level, const char *event,
    const char *fmt, ...)
{
	AUTO(buf_clear) struct buf line = BUF_INIT(LOG_LINE_MAX);
	va_list ap;

	if (level < l->level)
		return;
	begin_line(l, level, event, &line);
	if (fmt[0] != '\0')
		buf_puts(&line, ",");
	va_start(ap, fmt);
	add_members(&line, fmt, ap);
	va_end(ap);
	if (buf_puts(&line, "}\n") == 0)
		write_line(l, &line);
}
