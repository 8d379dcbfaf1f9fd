#include "coord/grouplog.h"

#include "coord/consumer_records.h"
#include "coord/internal.h"
#include "store/partlog.h"
#include "wire/errors.h"

/* Where a list of deletions is cut into batches, bytes. */
enum { CUT = 256 * 1024 };

void
grouplog_begin(struct grouplog *l, const struct groups_parts *parts,
	struct slice group)
{
	*l = (struct grouplog){ .parts = parts, .group = group };
}

/* What was gathered becomes one batch: all of it is stored, or nothing. */
static void
append(struct grouplog *l)
{
	struct append_result r;

	if (!l->log && !l->error)
		l->error = internal_log(l->parts->meta, l->parts->config,
			OFFSETS_TOPIC, l->group, &l->log, &l->commit);
	if (l->error)
		return;
	batch_finish(&l->batch);
	partlog_append(l->log, l->batch.out.data, l->batch.out.len,
		APPEND_COORDINATOR, &r);
	if (r.error)
		l->error = internal_error(r.error);
	else
		l->commit = r.commit;
	buf_release(&l->batch.out);
	l->batch.count = 0;
}

static void
begin(struct grouplog *l)
{
	batch_begin(&l->batch);
	if (!l->producer)
		return;
	l->batch.attributes = BATCH_TRANSACTIONAL;
	l->batch.producer_id = l->producer->id;
	l->batch.producer_epoch = l->producer->epoch;
}

static void
add(struct grouplog *l, struct slice value)
{
	if (l->key.bad || l->value.bad)
		l->error = KERR_UNKNOWN_SERVER_ERROR;
	if (l->error)
		return;
	if (!l->batch.count)
		begin(l);
	batch_add(&l->batch, clock_wall_ms(l->parts->clock), buf_slice(&l->key.out), value);
	if (slice_is_null(value) && l->batch.out.len >= CUT)
		append(l);
}

void
grouplog_offset(struct grouplog *l, struct slice topic, int32_t partition,
	const struct committed *c)
{
	record_offset_key(&l->key, l->group, topic, partition);
	if (c)
		record_offset_value(&l->value, c);
	add(l, c ? buf_slice(&l->value.out) : SLICE_NULL);
}

void
grouplog_group(struct grouplog *l, const struct group *g)
{
	record_group_key(&l->key, l->group);
	if (g)
		record_group_value(&l->value, g);
	add(l, g ? buf_slice(&l->value.out) : SLICE_NULL);
}

void
grouplog_consumer(struct grouplog *l, const struct consumer_record *r)
{
	consumer_record_key(&l->key, r, l->group);
	if (!r->is_gone)
		consumer_record_value(&l->value, r);
	add(l, r->is_gone ? SLICE_NULL : buf_slice(&l->value.out));
}

int16_t
grouplog_end(struct grouplog *l, uint64_t *commit)
{
	if (l->batch.count)
		append(l);
	if (!l->error && l->commit)
		*commit = l->commit;
	buf_release(&l->batch.out); /* of a batch that failed */
	wire_writer_release(&l->key);
	wire_writer_release(&l->value);
	return l->error;
}
