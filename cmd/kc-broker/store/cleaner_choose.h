/*
 * cleaner_choose.h - which log is cleaned next, and how much of it: the
 * rules of Kafka's LogCleanerManager.
 */
#ifndef STORE_CLEANER_CHOOSE_H
#define STORE_CLEANER_CHOOSE_H

#include "base/buf.h"

struct compact;
struct partlog;
struct store;

/*
 * Kafka's file, text: "0", the number of lines to come, then "topic
 * partition offset", the first offset that was not cleaned.
 */
#define CLEAN_OFFSETS "cleaner-offset-checkpoint"

/* Every log learns from the file how far it is clean. */
void choose_load(struct store *s);
/* The file's content as it should be. */
void choose_save(struct store *s, struct buf *out);

/* The dirtiest log that is dirty enough, and the work it needs; or NULL. */
struct partlog *choose_log(struct store *s, struct compact *work);

#endif
