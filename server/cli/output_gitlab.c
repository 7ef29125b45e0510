/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "server/cli/formats.h"
#include "server/cli/output.h"

/* Code quality: https://docs.gitlab.com/ci/testing/code_quality/ */

static int
tell(void *arg, const struct complaint *c)
{
	static const char *const severities[] = {
	    [LEVEL_NOTE] = "info",
	    [LEVEL_WARNING] = "minor",
	    [LEVEL_ERROR] = "major",
	};
	AUTO(buf_clear)
	struct buf text = BUF_INIT(COMPLAINT_TEXT_MAX),
		   file = BUF_INIT(COMPLAINT_TEXT_MAX);
	char fingerprint[DIGEST_TEXT_MAX];
	int line;

	/* A place is demanded: an image that has none is its own. */
	if (!complaint_place(c, &file, &line))
		text_sanitise(
		    &file, c->image->container->image, COMPLAINT_TEXT_MAX / 2);
	if (complaint_text(c, &text) != 0 || buf_failed(&file) ||
	    complaint_fingerprint(c, fingerprint) != 0)
		return -1;
	return json_array_append_new(
	    arg, json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:{s:i}}}",
		     "description", buf_text(&text), "check_name",
		     complaint_check(c), "fingerprint", fingerprint, "severity",
		     severities[complaint_level(c)], "location", "path",
		     buf_text(&file), "lines", "begin", line));
}

int
output_gitlab(const void *results, FILE *out)
{
	AUTO(json_decref) json_t *list = json_array();

	if (list == NULL || output_each(results, tell, list) != 0)
		return -1;
	return formats_json(TAKE(list), out);
}
