/*
 * reindex.h - the aborted transactions of a log whose transaction index is
 * lost or damaged are found again, out of its batch headers and markers.
 *
 * That takes as long as the log is large, and readers of committed records
 * have to wait: it is done a slice at a time, between what the loop does for
 * others, one log after the other. Until all is read nothing of the log's
 * segments is dropped or exchanged; then all of its index is written anew.
 */
#ifndef STORE_REINDEX_H
#define STORE_REINDEX_H

#include <stdbool.h>

struct partlog;
struct reindex;
struct store;

struct reindex *reindex_new(struct store *s);
void reindex_free(struct reindex *x);

/* Its index is to be found again, and if it can be at once, is. */
void reindex_want(struct reindex *x, struct partlog *l);
/* The next slice, if any log waits for one. */
void reindex_poll(struct reindex *x);
/* The log goes. */
void reindex_forget(struct reindex *x, struct partlog *l);

#endif
