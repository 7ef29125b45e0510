/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

/* Whether an image has default arguments, or a default program. */
struct params {
	int require;
};

static const char *const words[] = {"require", "allow", NULL};

static const struct check_field fields[] = {
    {.name = "",
	.check = "cmd",
	.kind = VALUE_CHOICE,
	.words = words,
	.at = offsetof(struct params, require),
	.about = "`require`: every image has a CMD.",
	.fix = "write CMD [\"argument\"] in the image; note that ENTRYPOINT "
	       "empties the CMD of the base"},
    {.name = NULL},
};

static int
evaluate_cmd(const void *params, const struct subject *s, struct findings *out)
{
	const struct breach br = {.field = &fields[0],
	    .actual = "none",
	    .limit = "a CMD",
	    .message = "has no CMD"};

	(void)params;
	return s->image->cmd.n > 0 ? 0 : findings_add(out, &br);
}

const struct check_key check_key_cmd = {
    .name = "cmd",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .needs_process = true,
    .is_plain = true,
    .about = "An image with a CMD starts without the pod saying how.",
    .example = "require",
    .paste = "# Dockerfile\n"
	     "ENTRYPOINT [\"/app\"]\n"
	     "CMD [\"--help\"]\n",
    .blind =
	"Whether the program is there, and what the pod's args make of it.",
    .evaluate = evaluate_cmd,
};
