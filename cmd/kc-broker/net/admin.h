/*
 * admin.h - the way into a running broker: a Unix socket that only its user
 * may open, ".admin" in the data directory unless --admin-socket says where.
 *
 * A line of words comes ("fault add Produce nth=3 close"); the answer is an
 * exit status and LF, then text until the end: what to print, or with a
 * status that is not 0 the sentence that says why.
 */
#ifndef NET_ADMIN_H
#define NET_ADMIN_H

#include "base/err.h"

struct admin;
struct broker;

/* borrows b. A socket that nobody listens on any more is replaced. */
int admin_open(struct admin **out, struct broker *b, const char *path, struct err *e);
void admin_close(struct admin *a);

#endif
