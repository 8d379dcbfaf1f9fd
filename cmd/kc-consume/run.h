/* run.h - what the files of kc-consume share: the options' values, and the run. */
#ifndef KC_CONSUME_RUN_H
#define KC_CONSUME_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/conf.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "kafka/consume.h"
#include "model/format.h"
#include "model/record.h"
#include "model/where.h"

enum { TIMEOUT_MS = 30000, COMMIT_MS = 1000 };

struct args {
	struct conf_args conf;
	struct opt_list topics, offsets, where;
	const char *partitions, *group, *from_group, *format, *as, *isolation;
	const char *delimiter, *key_delimiter;
	const char *ack;
	const char *exec, *to, *dlq, *dlq_scheme, *breaker;
	char **command;   /* behind --; NULL = none */
	int64_t workers, retries, retry_ms, answer_ms, max_inflight, batch_ms;
	int64_t drain_ms;
	bool txn, ok_if_dlq, barriers;
	int64_t count, tail;
	bool exit_at_end, json_values, src, raw, null_text, unbuffered;
	bool fail_empty, summary;
};

struct run {
	const struct args *a;
	struct out out;
	struct consume *in;
	struct format *format;   /* NULL = kc-record(5) or kcat's lines */
	unsigned flags;          /* of the envelope */
	struct buf origin;       /* member kc of all lines; empty = none */
	struct buf barrier;      /* the last one written */
	int64_t barrier_ms;
	bool terminal;           /* foreign bytes are made harmless */
	struct buf shown[2];     /* value and key for a terminal */
	struct where *where;     /* all hold of what is printed */
	int where_n;
	int64_t read, records;   /* got, and printed */
	int64_t committed_ms;
};

/* form.c: the form of the output, as --raw, -f, --as and -j have it. */
bool form_is_kcat(const struct args *a);
int form_open(struct run *run, struct err *e);
/* Appends to run->out. */
int form_write(struct run *run, struct record *r, struct err *e);

/* lines.c: records to stdout, and a group's commit of what is written. */
int lines_flush(void *run, struct err *e);
int lines_run(struct run *run, const struct conf *conf,
	const struct consume_options *o, struct err *e);
/* Whether all conditions of --where hold. */
bool lines_wanted(const struct run *run, const struct record *r);
void lines_summary(const struct run *run, const char *why);
/* The member kc of all lines: where kc-produce would commit. */
void lines_origin(struct run *run);
/* Appends how far the reading is, when it is further than at the last one. */
void lines_barrier(struct run *run);

/* tail.c: the last records of all partitions. */
int tail_run(struct run *run, const struct conf *conf,
	struct consume_options *o, struct err *e);

/*
 * command.c: who else does the work, and says what is done: the command of
 * --exec, that of -- in batches, or the end of a pipeline (--ack).
 */
int command_acks(struct run *run, const struct conf *conf,
	struct consume_options *o, struct err *e);
int command_exec(struct run *run, const struct conf *conf,
	struct consume_options *o, struct err *e);
int command_batches(struct run *run, const struct conf *conf,
	struct consume_options *o, struct err *e);

#endif
