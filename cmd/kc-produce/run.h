/* run.h - what the files of kc-produce share: the options' values, and the run. */
#ifndef KC_PRODUCE_RUN_H
#define KC_PRODUCE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/conf.h"
#include "cli/in.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "kafka/produce.h"
#include "kafka/sink.h"
#include "kafka/sink_acks.h"
#include "model/envelope.h"
#include "model/raw.h"

enum {
	LINE_MAX_BYTES = 256 << 20, /* beyond every broker's limit */
	ERRORS_SHOWN = 10,
	TAG_LINE_BITS = 46,         /* a tag is the input's number and the line */
};

struct args {
	struct conf_args conf;
	const char *topic;
	bool raw, keep_partition, now, empty_is_null, ignore_unknown, dry_run;
	const char *from, *key, *key_delimiter, *delimiter, *codec;
	const char *rejects, *report, *commit_group, *ack;
	bool txn;
	struct opt_list headers;
	int64_t partition, count, max_errors; /* -1 = not given */
};

struct run {
	const struct args *a;
	struct producer *producer;
	struct sink *sink;             /* NULL = no --commit-group */
	struct sink_acks *acks;        /* NULL = no --ack */
	struct in *inputs;
	int inputs_n;
	struct slice topic;            /* null = not given */
	struct raw_form form;
	struct buf delimiter, key_delimiter; /* unescaped; empty = not given */
	struct record_header *given;   /* -H */
	size_t given_n;
	struct record_header *headers; /* scratch: a record's own and -H */
	size_t headers_cap;
	struct envelope_reader reader;
	struct out rejects, report;
	struct progress progress;
	int64_t lines, errors;
	bool same_code;                /* all errors had the code of worst */
	enum err_code worst;
	struct err stop;               /* what ends the run; code NONE = nothing */
};

/* rejects.c: the side files, and what becomes of a line. */

/* --rejects or --report; never cuts a file that is still to be read. */
int rejects_open(const struct run *run, const char *path, struct out *o,
	struct err *e);
/* A line that is no record: the run ends here unless errors are expected. */
void rejects_bad_line(struct run *run, const struct in *in, struct slice line,
	const struct err *why);
/* For producer_open(): a record failed, or is acknowledged; arg is the run. */
void rejects_on_failure(void *arg, const struct record *r, producer_tag tag,
	const struct err *why);
void rejects_on_ack(void *arg, const char *topic, int32_t partition,
	int64_t offset, producer_tag tag);

/* record.c: a line as the record to send; run->reader.valueless is a barrier. */
int record_read(struct run *run, struct slice line, struct record *r,
	struct err *e);

/* run.c: sends all inputs and accounts for them. id is "" or the transactional one. */
int run_all(struct run *run, const struct conf *conf, const char *id,
	struct err *e);

#endif
