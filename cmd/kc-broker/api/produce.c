/*
 * Produce: appends one record batch a partition, and answers once the group
 * commit has them on disk (acks=all), once they are in the segment (acks=1)
 * or not at all (acks=0; an error then closes the connection, which is the
 * only way to tell).
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "store/batch.h"
#include "store/partlog.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	TOPIC_ID_SINCE = 13,
	ZSTD_SINCE = 7, /* KIP-110 */
};

/* Goes through one request; lives in its arena. */
struct produce {
	struct produce_response resp;
	uint64_t commit; /* of the last append, 0 = none */
	bool failed;     /* some partition */
	int16_t acks;
};

static void
refuse(struct produce_response_partition *out, int16_t error, const char *why)
{
	out->error_code = error;
	out->error_message = why ? slice_str(why) : slice_str(kerr_message(error));
}

/* What is refused before the log sees it. */
static bool
is_acceptable(const struct request *rq, struct slice records,
	struct produce_response_partition *out)
{
	struct batch b;

	if (records.len < BATCH_HEADER) {
		refuse(out, records.len ? KERR_CORRUPT_MESSAGE : KERR_INVALID_RECORD,
			"a partition needs exactly one record batch");
		return false;
	}
	batch_decode(records.data, &b);
	if ((b.attributes & BATCH_CODEC_MASK) == CODEC_ZSTD &&
	    rq->version < ZSTD_SINCE) {
		refuse(out, KERR_UNSUPPORTED_COMPRESSION_TYPE, NULL);
		return false;
	}
	if (b.attributes & BATCH_TRANSACTIONAL) {
		refuse(out, KERR_INVALID_TXN_STATE,
			"transactions are not supported by this kc-broker yet");
		return false;
	}
	return true;
}

static void
append(struct request *rq, struct produce *p, const struct topic *t,
	const struct produce_request_partition *in,
	struct produce_response_partition *out)
{
	struct partlog *log = topic_partition(t, in->index);
	struct slice records = in->records.mem;
	struct append_result r;

	if (!log) {
		refuse(out, KERR_UNKNOWN_TOPIC_OR_PARTITION, NULL);
		return;
	}
	if (t->internal) {
		refuse(out, KERR_INVALID_TOPIC_EXCEPTION,
			"internal topics are written by the broker only");
		return;
	}
	if (!is_acceptable(rq, records, out))
		return;
	/* The frame's bytes are ours until the handler returns: the log writes
	 * offsets into them in place. */
	partlog_append(log, (uint8_t *)(uintptr_t)records.data, records.len,
		APPEND_CLIENT, &r);
	out->log_start_offset = partlog_start(log);
	if (r.error) {
		refuse(out, r.error, r.message);
		if (r.bad_record >= 0) {
			out->record_errors = arena_alloc(&rq->arena,
				sizeof(*out->record_errors));
			produce_response_record_error_init(out->record_errors);
			out->record_errors->batch_index = r.bad_record;
			out->record_errors->batch_index_error_message =
				out->error_message;
			out->record_errors_n = 1;
		}
		return;
	}
	out->base_offset = r.base_offset;
	out->log_append_time_ms = r.append_time;
	if (r.commit > p->commit)
		p->commit = r.commit;
}

static void
reply(struct request *rq)
{
	struct produce *p = rq->state;

	if (p->acks) {
		produce_response_write(request_reply(rq), rq->version, &p->resp);
		request_finish(rq);
	} else if (p->failed) {
		request_abort(rq);
	} else {
		rq->silent = true;
		request_finish(rq);
	}
}

static void
on_commit(struct request *rq, int16_t error)
{
	struct produce *p = rq->state;

	for (int i = 0; error && i < p->resp.responses_n; i++) {
		struct produce_response_topic *t = &p->resp.responses[i];

		for (int k = 0; k < t->partition_responses_n; k++) {
			struct produce_response_partition *out =
				&t->partition_responses[k];

			if (!out->error_code)
				refuse(out, error, NULL);
			out->base_offset = -1;
		}
	}
	reply(rq);
}

static void
produce_topic(struct request *rq, struct produce *p,
	const struct produce_request_topic *in, struct produce_response_topic *out)
{
	bool by_id = rq->version >= TOPIC_ID_SINCE;
	struct meta *m = rq->broker->meta;
	struct topic *t = by_id ? meta_topic_by_id(m, &in->topic_id) :
		meta_topic(m, in->name);
	bool valid_acks = p->acks >= -1 && p->acks <= 1;

	produce_response_topic_init(out);
	out->name = arena_copy(&rq->arena, in->name);
	out->topic_id = in->topic_id;
	out->partition_responses = arena_array(&rq->arena,
		(size_t)in->partition_data_n, sizeof(*out->partition_responses));
	out->partition_responses_n = in->partition_data_n;
	for (int i = 0; i < in->partition_data_n; i++) {
		struct produce_response_partition *po = &out->partition_responses[i];

		produce_response_partition_init(po);
		po->index = in->partition_data[i].index;
		po->base_offset = -1;
		if (!valid_acks)
			refuse(po, KERR_INVALID_REQUIRED_ACKS, NULL);
		else if (!t)
			refuse(po, by_id ? KERR_UNKNOWN_TOPIC_ID :
				KERR_UNKNOWN_TOPIC_OR_PARTITION, NULL);
		else
			append(rq, p, t, &in->partition_data[i], po);
		p->failed |= po->error_code != KERR_NONE;
	}
}

int
api_produce(struct request *rq)
{
	struct produce_request q;
	struct produce *p;

	if (produce_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	p = arena_alloc(&rq->arena, sizeof(*p));
	p->acks = q.acks;
	produce_response_init(&p->resp);
	p->resp.responses_n = q.topic_data_n;
	p->resp.responses = arena_array(&rq->arena, (size_t)q.topic_data_n,
		sizeof(*p->resp.responses));
	rq->state = p;
	for (int i = 0; i < q.topic_data_n; i++)
		produce_topic(rq, p, &q.topic_data[i], &p->resp.responses[i]);
	if (q.acks == -1 && p->commit)
		request_wait_commit(rq, p->commit, on_commit);
	else
		reply(rq);
	return 0;
}
