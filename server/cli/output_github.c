/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "server/cli/output.h"

#include <string.h>

/*
 * Annotations of a GitHub workflow:
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */

/* `special` are the characters that end what it stands in. */
static void
put_escaped(FILE *out, const char *s, const char *special)
{
	for (; *s != '\0'; s++) {
		if (strchr(special, *s) != NULL)
			fprintf(out, "%%%02X", (unsigned)(unsigned char)*s);
		else
			fputc(*s, out);
	}
}

static const char DATA[] = "%\r\n";
static const char PROPERTY[] = "%\r\n:,";

static int
tell(void *arg, const struct complaint *c)
{
	static const char *const words[] = {
	    [LEVEL_NOTE] = "notice",
	    [LEVEL_WARNING] = "warning",
	    [LEVEL_ERROR] = "error",
	};
	AUTO(buf_clear)
	struct buf text = BUF_INIT(COMPLAINT_TEXT_MAX),
		   file = BUF_INIT(COMPLAINT_TEXT_MAX);
	FILE *out = arg;
	int line;

	if (complaint_text(c, &text) != 0)
		return -1;
	fprintf(out, "::%s title=%s%s%s", words[complaint_level(c)],
	    complaint_rule(c), complaint_rule(c)[0] != '\0' ? "/" : "",
	    complaint_check(c));
	if (complaint_place(c, &file, &line)) {
		fputs(",file=", out);
		put_escaped(out, buf_text(&file), PROPERTY);
		fprintf(out, ",line=%d", line);
	}
	fputs("::", out);
	put_escaped(out, buf_text(&text), DATA);
	fputc('\n', out);
	return 0;
}

int
output_github(const void *results, FILE *out)
{
	AUTO(buf_clear) struct buf summary = BUF_INIT(COMPLAINT_TEXT_MAX);

	if (output_each(results, tell, out) != 0 ||
	    output_summary(results, &summary) != 0)
		return -1;
	fprintf(out, "%s\n", buf_text(&summary));
	return 0;
}
