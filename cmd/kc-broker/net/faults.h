/*
 * faults.h - the fault rules in force, and what they do to requests.
 *
 * b->faults is NULL while there is no rule: that test is all that a request
 * pays. Rules are looked at in their order; each counts the requests that it
 * matches, and the first that fires acts.
 */
#ifndef NET_FAULTS_H
#define NET_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/request.h"

struct broker;
struct fault_hit; /* what a rule does to one request */
struct faults;

/* Returns the rule's number, or -1. */
int faults_add(struct broker *b, const char *line, struct err *e);
/* A file of rules, a line each; empty lines and those with # in front are none. */
int faults_load(struct broker *b, const char *path, struct err *e);
/* "NUMBER<tab>SEEN<tab>FIRED<tab>RULE" lines, in their order. */
void faults_list(const struct broker *b, struct buf *out);
/* id 0 = all. -1 when there is no such rule. */
int faults_clear(struct broker *b, int id, struct err *e);
/* Rules that were added before the store was there reach its disk. */
void faults_apply_disk(struct broker *b);

/* A request came: true when the rule has dealt with it, and rq may be gone. */
bool faults_begin(struct request *rq);
/* Its reply is complete, or there is none: true when rq is held or gone. */
bool faults_finish(struct request *rq);
/* Its length is written, too: cuts it, and marks the connection to be closed. */
void faults_cut(struct request *rq);

/* No reply leaves. */
void faults_forget(struct request *rq);

/* The error that this request is to get for this partition, or 0; -1 = any. */
int16_t faults_error(const struct fault_hit *h, const char *topic, int32_t partition);
/* The same for a topic as a whole: Metadata. */
static inline int16_t
faults_topic(const struct request *rq, const char *topic)
{
	return rq->fault ? faults_error(rq->fault, topic, -1) : 0;
}
bool faults_lost_leader(const struct faults *f, const char *topic, int32_t partition);

#endif
