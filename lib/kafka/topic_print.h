/*
 * topic_print.h - one topic as people and programs see it: kc-topics show.
 *
 * On a terminal two tables, of partitions and of configs. In a pipe each row
 * says in its second column what it is:
 *
 *	TOPIC partition N LEADER REPLICAS ISR START END
 *	TOPIC config NAME VALUE
 */
#ifndef KAFKA_TOPIC_PRINT_H
#define KAFKA_TOPIC_PRINT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/out.h"
#include "kafka/admin.h"

/* Replicas of a partition. */
int topic_print_replicas(const struct admin_topic *t);

/* all: configs with their default value too. */
void topic_print_json(struct buf *out, const struct admin_topic *t,
	const struct admin_configs *k, bool all);

/* first: nothing stands above it on the terminal. */
int topic_print_table(struct out *o, const struct admin_topic *t,
	const struct admin_configs *k, bool all, bool first, struct err *e);

#endif
