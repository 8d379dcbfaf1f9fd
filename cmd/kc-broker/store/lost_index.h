/*
 * lost_index.h - the indexes of a large segment that are lost or damaged are
 * made again, out of its batch headers.
 *
 * That takes as long as the segment is large: it is done a slice at a time,
 * between what the loop does for others. Who needs the index meanwhile gets
 * EAGAIN, and is told by the log's watches when it is there.
 */
#ifndef STORE_LOST_INDEX_H
#define STORE_LOST_INDEX_H

struct lost_index;
struct segment;
struct store;

/* Begins; s->again is set until it is done, and s->extended then. */
void lost_index_begin(struct segment *s);
/* The next slice, if any segment waits for one. */
void lost_index_poll(struct store *s);
/* All that is left, now. */
void lost_index_finish(struct lost_index *x);
/* The segment goes. */
void lost_index_cancel(struct lost_index *x);

#endif
