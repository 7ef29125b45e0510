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

/*
 * Says of each container which reference stood at its name before, where it
 * was another. Strings are copied. Returns 0, or -1 when memory is out.
 */
int update_mark_replaced(struct workload *now, const struct workload *old);

#endif
