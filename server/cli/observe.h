/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_OBSERVE_H
#define SERVER_CLI_OBSERVE_H

#include "server/gate/log.h"
#include "server/gate/metrics.h"
#include "server/registry/registry.h"

/* What the registry client tells of its work, made metrics and log of. */
struct watching {
	struct metrics *metrics;
	const struct log *log;
};

/* `w` is borrowed. */
struct registry_observer observe_registry(struct watching *w);

#endif
