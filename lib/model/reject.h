/*
 * reject.h - what kc-produce writes beside its work: records that failed, as
 * lines that can be sent again, and where the others went.
 */
#ifndef MODEL_REJECT_H
#define MODEL_REJECT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "model/record.h"

/*
 * Appends the record's line with
 * "error":{"message":"...","input":"stdin","line":12}. input and message may
 * hold any bytes.
 */
void reject_record(struct buf *out, const struct record *r, const char *input,
	int64_t line, const char *message);

/*
 * Appends {"error":{...},"kc":{"line":B}} for a line that is no record: it has
 * no value, so that it cannot pass for one.
 */
void reject_line(struct buf *out, struct slice text, const char *input,
	int64_t line, const char *message);

/*
 * Appends {"input":"stdin","line":1,"topic":"t","partition":0,"offset":5};
 * offset -1 is null.
 */
void reject_report(struct buf *out, const char *input, int64_t line,
	const char *topic, int32_t partition, int64_t offset);

#endif
