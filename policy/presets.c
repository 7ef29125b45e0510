/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/presets.h"

#include <string.h>

/* policy/presets/presets.S */
extern const char preset_audit_first[], preset_audit_first_end[],
    preset_baseline[], preset_baseline_end[], preset_lean[], preset_lean_end[],
    preset_restricted[], preset_restricted_end[];

const char *const preset_names[] = {
    "audit-first", "baseline", "lean", "restricted", NULL};

static const struct {
	const char *start;
	const char *end;
} texts[] = {
    {preset_audit_first, preset_audit_first_end},
    {preset_baseline, preset_baseline_end},
    {preset_lean, preset_lean_end},
    {preset_restricted, preset_restricted_end},
};

const char *
preset_find(const char *name, size_t *len)
{
	size_t i;

	for (i = 0; preset_names[i] != NULL; i++) {
		if (strcmp(preset_names[i], name) != 0)
			continue;
		*len = (size_t)(texts[i].end - texts[i].start);
		return texts[i].start;
	}
	return NULL;
}
