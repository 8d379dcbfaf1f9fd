/*
 * redrive_plan.h - a redrive that was planned, as lines of JSON; pure.
 *
 *	{"plan":"redrive","dlq":D,"cluster":ID,"max_redrives":3,"check":C,
 *	 "timestamp":T,"payload":P,"if_newer":N,"headers":[H,...],
 *	 "run":{...}}                   what was asked for; the run as
 *	                                model/ledger_run.h has it, that would be
 *	{"src":"D/P/O","do":"send","to":"TOPIC/P","redrives":1,
 *	 "letter":"HEX","copy":"HEX"}   a record, in the order to send them
 *	{"src":"D/P/O","do":"park","redrives":3,"letter":"HEX"}
 *	{"records":N,"digest":"HEX"}    the end: how many, and of all before it
 *
 * letter and copy are ledger_fingerprint() of key and value, of the dead
 * letter and of what is sent. to without /P: the key decides. What was not
 * asked for is absent.
 */
#ifndef MODEL_REDRIVE_PLAN_H
#define MODEL_REDRIVE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/ledger_run.h"

struct redrive_plan_head {
	struct slice dlq, cluster;
	struct slice check, timestamp, payload, if_newer; /* as given; null = not */
	struct slice *headers;
	int headers_n;
	int64_t max_redrives;
	struct ledger_run run;
};

struct redrive_planned {
	int64_t offset;
	uint64_t letter, copy;
	int32_t partition;
	int32_t redrives;
	bool park;            /* else it is sent */
	struct slice to;      /* "TOPIC/P", "TOPIC"; of one that is parked null */
};

void redrive_plan_put_head(struct buf *out, const struct redrive_plan_head *h);
void redrive_plan_put(struct buf *out, struct slice dlq,
	const struct redrive_planned *x);
void redrive_plan_put_end(struct buf *out, int64_t n, uint64_t digest);

/* Lines without LF. Texts live in the arena. ERR_FORMAT. */
int redrive_plan_read_head(struct slice line, struct arena *a,
	struct redrive_plan_head *out, struct err *e);
int redrive_plan_read(struct slice line, struct slice dlq, struct arena *a,
	struct redrive_planned *out, struct err *e);
/* False when it is not the end. */
bool redrive_plan_read_end(struct slice line, int64_t *n, uint64_t *digest);

/* Of the lines up to here, and one more, without its LF; 0 at first. */
uint64_t redrive_plan_digest(uint64_t digest, struct slice line);

#endif
