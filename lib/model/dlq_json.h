/* dlq_json.h - a dead letter as lines of JSON; kafka/dlq_list.h has their forms. */
#ifndef MODEL_DLQ_JSON_H
#define MODEL_DLQ_JSON_H

#include "base/buf.h"
#include "model/dlq_select.h"
#include "model/fingerprint.h"
#include "model/redact.h"

/* What list prints of a record of topic dlq. note may be NULL. */
void dlq_put_line(struct buf *out, const char *dlq, const struct dlq_record *x,
	const struct fingerprint *f, const char *note);

/*
 * What export prints: r as kc-record(5), which may be x->r or hold another
 * key and value, and what is masked in them, so that it is not sent back.
 * flags of enum envelope_flags.
 */
void dlq_put_record(struct buf *out, const char *dlq, const struct dlq_record *x,
	const struct record *r, const struct fingerprint *f, const char *note,
	const struct redact *redact, unsigned flags);

#endif
