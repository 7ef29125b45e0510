/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

/* Whether an image says by itself what it runs. */
struct params {
	int require;
};

static const char *const words[] = {"require", "allow", NULL};

static const struct check_field fields[] = {
    {.name = "",
	.check = "entrypoint",
	.kind = VALUE_CHOICE,
	.words = words,
	.at = offsetof(struct params, require),
	.about = "`require`: every image has an ENTRYPOINT.",
	.fix = "write ENTRYPOINT [\"/path/of/the/program\"] in the image"},
    {.name = NULL},
};

static int
evaluate_entrypoint(
    const void *params, const struct subject *s, struct findings *out)
{
	const struct breach br = {.field = &fields[0],
	    .actual = "none",
	    .limit = "an ENTRYPOINT",
	    .message = "has no ENTRYPOINT",
	    .evidence = s->image->cmd.n > 0
			    ? "CMD alone is replaced by any args of the pod"
			    : "there is no CMD either"};

	(void)params;
	return s->image->entrypoint.n > 0 ? 0 : findings_add(out, &br);
}

const struct check_key check_key_entrypoint = {
    .name = "entrypoint",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .needs_process = true,
    .is_plain = true,
    .about = "An image with an ENTRYPOINT runs one program, and a pod's args "
	     "are that program's arguments. Without one they are the program.",
    .example = "require",
    .paste = "# Dockerfile\n"
	     "ENTRYPOINT [\"/app\"]\n",
    .blind =
	"Whether the program is there, and what the pod's command makes of it.",
    .evaluate = evaluate_entrypoint,
};
