/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ADMISSION_UPDATE_H
#define SERVER_ADMISSION_UPDATE_H

#include "policy/workload.h"

/*
 * Marks the containers of `now` that an update left as they were in `old`:
 * same list, same name, same image and effective user, in a workload with the
 * same platforms, Windows and hostUsers.
 */
void update_mark_unchanged(struct workload *now, const struct workload *old);

#endif
