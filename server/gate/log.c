/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/log.h"

#include "policy/base/buf.h"
#include "policy/base/units.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 64 * 1024 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

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

static int
add_chunk(const char *data, size_t len, void *b)
{
	return buf_add(b, data, len);
}

void
log_event(const struct log *l, enum log_level level, const char *event,
    json_t *fields)
{
	AUTO(json_decref) json_t *owned = fields;
	AUTO(json_decref) json_t *line = NULL;
	AUTO(buf_clear)
	struct buf time = BUF_INIT(64), text = BUF_INIT(LOG_LINE_MAX);

	if (level < l->level)
		return;
	units_add_time(&time, l->clock->wall_s(l->clock));
	line = json_pack("{s:s, s:s, s:s}", "time", buf_text(&time), "level",
	    level_names[level], "event", event);
	if (line == NULL || (owned && json_object_update(line, owned) != 0) ||
	    json_dump_callback(line, add_chunk, &text, JSON_COMPACT) != 0 ||
	    buf_puts(&text, "\n") != 0)
		return;
	/* One write keeps lines whole; there is nobody to tell of a failure. */
	if (write(l->fd, text.data, text.len) < 0)
		return;
}

void
log_pack(const struct log *l, enum log_level level, const char *event,
    const char *fmt, ...)
{
	json_error_t ignored;
	json_t *fields;
	va_list ap;

	if (level < l->level)
		return;
	va_start(ap, fmt);
	fields = json_vpack_ex(&ignored, 0, fmt, ap);
	va_end(ap);
	log_event(l, level, event, fields);
}
