#include "store/validate.h"

#include "base/be.h"
#include "wire/errors.h"

enum { LENGTH_MIN = 14 }; /* of any batch, even of magic 0: Kafka's own floor */

static int16_t
refuse(struct append_result *r, int16_t error, const char *why)
{
	r->message = why;
	return error;
}

/* Size, format and checksum: are these bytes one batch at all? */
static int16_t
check_frame(struct candidate *c, size_t len, const struct log_config *config,
	struct append_result *r)
{
	int32_t length;

	if (len > (size_t)config->max_message_bytes)
		return refuse(r, KERR_MESSAGE_TOO_LARGE,
			"the batch is larger than the topic's max.message.bytes");
	if (len < BATCH_HEADER)
		return refuse(r, len ? KERR_CORRUPT_MESSAGE : KERR_INVALID_RECORD,
			"the batch is shorter than its header");
	length = (int32_t)be32_get(c->bytes + 8);
	if (length < LENGTH_MIN || (int8_t)c->bytes[16] > 2 ||
	    (int8_t)c->bytes[16] < 0)
		return refuse(r, KERR_CORRUPT_MESSAGE,
			"the batch has an impossible length or magic");
	if (c->bytes[16] < 2)
		return refuse(r, KERR_INVALID_RECORD,
			"only record batches of magic 2 can be produced");
	if (length < BATCH_HEADER - BATCH_LENGTH_AT)
		return refuse(r, KERR_CORRUPT_MESSAGE,
			"the batch is shorter than its header");
	if ((size_t)length + BATCH_LENGTH_AT != len)
		return refuse(r, KERR_INVALID_RECORD,
			"there must be exactly one batch for a partition");
	if ((int64_t)len > config->segment_bytes)
		return refuse(r, KERR_RECORD_LIST_TOO_LARGE,
			"the batch is larger than the topic's segment.bytes");
	batch_decode(c->bytes, &c->b);
	if (!batch_crc_ok(c->bytes, &c->b))
		return refuse(r, KERR_CORRUPT_MESSAGE,
			"the batch does not match its checksum");
	return KERR_NONE;
}

static int16_t
check_header(const struct batch *b, const struct log_config *config,
	struct append_result *r)
{
	if (b->base_offset)
		return refuse(r, KERR_INVALID_RECORD,
			"the base offset of a produced batch must be 0");
	if (b->count <= 0 || b->last_offset_delta != b->count - 1)
		return refuse(r, KERR_INVALID_RECORD,
			"the batch's record count and last offset disagree");
	if (b->attributes & BATCH_CONTROL)
		return refuse(r, KERR_INVALID_RECORD,
			"clients may not write control batches");
	if ((b->attributes & BATCH_TRANSACTIONAL) && b->producer_id < 0)
		return refuse(r, KERR_INVALID_RECORD,
			"a transactional batch needs a producer id");
	if (b->producer_id >= 0 && b->base_sequence < 0)
		return refuse(r, KERR_INVALID_RECORD,
			"a batch with a producer id needs a sequence number");
	if ((b->attributes & BATCH_CODEC_MASK) > CODEC_ZSTD)
		return refuse(r, KERR_INVALID_RECORD,
			"the batch's compression codec is unknown");
	if ((b->attributes & BATCH_APPEND_TIME) && !config->append_time)
		return refuse(r, KERR_INVALID_TIMESTAMP,
			"a producer may not set the append-time attribute");
	return KERR_NONE;
}

static bool
is_in_time(int64_t t, const struct log_config *config, int64_t now)
{
	int64_t ahead;

	if (t == -1) /* no timestamp */
		return true;
	if (__builtin_sub_overflow(t, now, &ahead))
		return false;
	return ahead <= config->timestamp_after_max_ms &&
		ahead >= -config->timestamp_before_max_ms;
}

/* What is wrong with a record on its own, in a message; or 0. */
static int16_t
check_record(const struct batch_record *rec, int32_t i,
	const struct log_config *config, int64_t now, const char **why)
{
	if (rec->offset != i) {
		*why = "the record's offset is not its place in the batch";
		return KERR_INVALID_RECORD;
	}
	if (config->compact && !rec->key.data) {
		*why = "records of a compacted topic need a key";
		return KERR_INVALID_RECORD;
	}
	if (!config->append_time && !is_in_time(rec->timestamp, config, now)) {
		*why = "the record's timestamp is too far from the broker's clock";
		return KERR_INVALID_TIMESTAMP;
	}
	return KERR_NONE;
}

/* As in Kafka the batch is refused for a timestamp where one of them is wrong. */
static void
add_bad(const struct candidate *c, int32_t i, int16_t error, const char *why,
	struct append_result *r)
{
	struct bad_record *bad;

	if (!r->error || error == KERR_INVALID_TIMESTAMP) {
		r->error = error;
		r->message = why;
	}
	if (r->bad_n == BAD_RECORDS_MAX)
		return;
	if (!r->bad_n)
		buf_clear(c->bad);
	bad = (void *)buf_reserve(c->bad, sizeof(*bad));
	*bad = (struct bad_record){ i, why };
	c->bad->len += sizeof(*bad);
	r->bad = (const void *)c->bad->data;
	r->bad_n++;
}

/* Every record; *max_timestamp is the largest. */
static int16_t
check_records(const struct candidate *c, const struct log_config *config,
	int64_t now, int64_t *max_timestamp, struct append_result *r)
{
	const char *why;
	int16_t error;
	struct slice left = c->records;
	struct batch_record rec;
	int32_t i;
	int got;

	*max_timestamp = -1;
	for (i = 0; (got = batch_next(&c->b, &left, &rec)) == 1; i++) {
		error = check_record(&rec, i, config, now, &why);
		if (error)
			add_bad(c, i, error, why, r);
		if (rec.timestamp > *max_timestamp)
			*max_timestamp = rec.timestamp;
	}
	if (r->bad_n)
		return r->error;
	if (got < 0)
		return refuse(r, KERR_INVALID_RECORD, "a record in the batch is damaged");
	if (i != c->b.count)
		return refuse(r, KERR_INVALID_RECORD,
			"the batch does not hold as many records as it says");
	return KERR_NONE;
}

static void
set_timestamp(struct candidate *c, int16_t attributes, int64_t max)
{
	if (attributes == c->b.attributes && max == c->b.max_timestamp)
		return;
	be16_put(c->bytes + 21, (uint16_t)attributes);
	be64_put(c->bytes + 35, (uint64_t)max);
	batch_seal(c->bytes, (size_t)c->b.size);
	batch_decode(c->bytes, &c->b);
}

/* compression.type other than `producer`: stored in the topic's codec. */
static int16_t
repack(struct candidate *c, const struct log_config *config, struct append_result *r)
{
	int16_t attributes = (int16_t)((c->b.attributes & ~BATCH_CODEC_MASK) |
		config->compression);
	struct buf *out = c->repacked;
	struct err e = ERR_INIT;

	if (config->compression < 0 || attributes == c->b.attributes)
		return KERR_NONE;
	buf_clear(out);
	buf_add(out, c->bytes, BATCH_HEADER);
	if (config->compression == CODEC_NONE)
		buf_addslice(out, c->records);
	else if (codec_pack_at((enum codec)config->compression,
			config->compression_level, c->records, out, &e) < 0)
		return refuse(r, KERR_UNKNOWN_SERVER_ERROR,
			"the batch cannot be compressed as the topic wants it");
	if (out->len > (size_t)config->max_message_bytes)
		return refuse(r, KERR_MESSAGE_TOO_LARGE, "the batch is larger than "
			"max.message.bytes in the topic's compression.type");
	be16_put(out->data + 21, (uint16_t)attributes);
	batch_seal(out->data, out->len);
	c->bytes = out->data;
	batch_decode(c->bytes, &c->b);
	return KERR_NONE;
}

/* Honest records shrink to a thousandth only when they are small. */
static size_t
unpacked_max(const struct batch *b)
{
	size_t most = (size_t)b->size * 1000, least = 16 << 20;

	if (most < least)
		return least;
	return most < BATCH_UNPACKED_MAX ? most : BATCH_UNPACKED_MAX;
}

int16_t
candidate_check(struct candidate *c, size_t len, const struct log_config *config,
	int64_t now, struct append_result *r)
{
	struct err e = ERR_INIT;
	int64_t max_timestamp;
	int16_t error;

	if ((error = check_frame(c, len, config, r)) ||
	    (error = check_header(&c->b, config, r)))
		return error;
	if (batch_open(c->bytes, &c->b, unpacked_max(&c->b), c->unpacked,
			&c->records, &e) < 0) {
		if (e.code == ERR_FULL)
			return refuse(r, KERR_INVALID_RECORD,
				"the batch unpacks to more than 128 MiB, or than "
				"1000 times its size");
		return refuse(r, KERR_CORRUPT_MESSAGE,
			"the batch's compressed data is damaged");
	}
	if ((error = check_records(c, config, now, &max_timestamp, r)))
		return error;
	if (config->append_time)
		set_timestamp(c, c->b.attributes | BATCH_APPEND_TIME, now);
	else
		set_timestamp(c, c->b.attributes, max_timestamp);
	return repack(c, config, r);
}
