#include "coord/transaction_records.h"

#include "wire/messages.h"

enum { KEY = 0, VALUE = 1 };

static void
begin(struct wire_writer *w, int16_t head)
{
	buf_clear(&w->out);
	w->bad = false;
	wire_put_int16(w, head);
}

void
transaction_record_key(struct wire_writer *w, struct slice id)
{
	struct transaction_log_key k = { .transactional_id = id };

	begin(w, KEY);
	transaction_log_key_write(w, 0, &k);
}

static void
put_parts(struct transaction_log_value *v, const struct transaction *t,
	const struct transaction_parts *p, struct arena *a)
{
	struct transaction_log_value_topic *topic = NULL;

	v->transaction_partitions = arena_array(a, (size_t)p->n,
		sizeof(*v->transaction_partitions));
	v->starts = arena_array(a, (size_t)p->n, sizeof(*v->starts));
	for (int i = 0; i < p->n; i++) {
		const struct transaction_part *part = &p->v[i];

		if (!topic || !slice_eq(topic->topic, part->topic)) {
			topic = &v->transaction_partitions[v->transaction_partitions_n++];
			topic->topic = part->topic;
			topic->partition_ids = arena_array(a, (size_t)(p->n - i),
				sizeof(*topic->partition_ids));
		}
		topic->partition_ids[topic->partition_ids_n++] = part->partition;
		v->starts[i] = (struct transaction_log_value_start){
			part->topic_id, part->first };
	}
	v->starts_n = transaction_is_ending(t) ? p->n : 0;
}

void
transaction_record_value(struct wire_writer *w, const struct transaction *t,
	const struct transaction_parts *p)
{
	struct transaction_log_value v;
	struct arena a = { 0 };

	transaction_log_value_init(&v);
	v.producer_id = t->producer_id;
	v.previous_producer_id = t->previous_id;
	v.next_producer_id = t->next_id;
	v.producer_epoch = t->epoch;
	v.next_producer_epoch = t->next_id >= 0 ? 0 : -1;
	v.transaction_timeout_ms = t->timeout_ms;
	v.transaction_status = (int8_t)t->state;
	v.transaction_last_update_timestamp_ms = t->updated;
	v.transaction_start_timestamp_ms = t->started;
	v.client_transaction_version = t->client_version;
	/* Kafka has none where there can be none: null, not an empty list. */
	v.transaction_partitions_n = t->state == TRANSACTION_EMPTY ? -1 : 0;
	if (t->state == TRANSACTION_ONGOING || transaction_is_ending(t))
		put_parts(&v, t, p, &a);
	begin(w, VALUE);
	transaction_log_value_write(w, VALUE, &v);
	arena_release(&a);
}

int
transaction_read_key(struct slice key, struct slice *id)
{
	struct transaction_log_key k;
	struct wire_reader r;

	wire_reader_init(&r, key, NULL);
	if (wire_get_int16(&r) != KEY || transaction_log_key_read(&r, 0, &k))
		return -1;
	*id = k.transactional_id;
	return 0;
}

static void
get_parts(const struct transaction_log_value *v, struct transaction_parts *p)
{
	for (int32_t i = 0; i < v->transaction_partitions_n; i++) {
		const struct transaction_log_value_topic *t =
			&v->transaction_partitions[i];

		for (int32_t k = 0; k < t->partition_ids_n; k++)
			transaction_parts_add(p, t->topic, t->partition_ids[k]);
	}
	transaction_parts_keep(p);
}

/* What we wrote is in the order that *p has, too. */
static bool
get_starts(const struct transaction_log_value *v, struct transaction_parts *p)
{
	if (v->starts_n != p->n)
		return false;
	for (int i = 0; i < p->n; i++) {
		p->v[i].topic_id = v->starts[i].topic_id;
		p->v[i].first = v->starts[i].first_offset;
	}
	return true;
}

int
transaction_read_value(struct slice value, struct arena *a, struct transaction *t,
	struct transaction_parts *p, bool *has_starts)
{
	struct transaction_log_value v;
	struct wire_reader r;
	int16_t version;

	wire_reader_init(&r, value, a);
	version = wire_get_int16(&r);
	if (r.bad || version < TRANSACTION_LOG_VALUE_MIN ||
	    version > TRANSACTION_LOG_VALUE_MAX ||
	    transaction_log_value_read(&r, version, &v) ||
	    v.transaction_status < 0 || v.transaction_status >= TRANSACTION_STATES)
		return -1;
	*t = (struct transaction){
		.state = (enum transaction_state)v.transaction_status,
		.producer_id = v.producer_id,
		.previous_id = v.previous_producer_id,
		.next_id = v.next_producer_id,
		.epoch = v.producer_epoch,
		.last_epoch = -1,
		.client_version = v.client_transaction_version,
		.timeout_ms = v.transaction_timeout_ms,
		.started = v.transaction_start_timestamp_ms,
		.updated = v.transaction_last_update_timestamp_ms,
	};
	get_parts(&v, p);
	*has_starts = get_starts(&v, p);
	return 0;
}
