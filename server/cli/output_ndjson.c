/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/formats.h"
#include "server/cli/output.h"

/* A line for each element of "workloads" in output_json(). */
int
output_ndjson(const void *results, FILE *out)
{
	const struct results *r = results;
	size_t i;

	for (i = 0; i < r->n; i++)
		if (formats_json_line(report_json(r->reports[i]), out) != 0)
			return -1;
	return 0;
}
