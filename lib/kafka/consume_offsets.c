/*
 * consume_offsets.c - where partitions begin and end, asked for once: the
 * range of the options against what the brokers have.
 */
#include <inttypes.h>
#include <poll.h>

#include "base/clock.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/consumer.h"

typedef rd_kafka_topic_partition_list_t parts_list;
typedef rd_kafka_topic_partition_t parts_item;

/* Kafka's own timestamps for the two ends (ListOffsets). */
enum { AT_END = -1, AT_BEGINNING = -2 };
/* Between two questions. */
enum { AGAIN_MS = 50 };

/* What the brokers said; NULL = not needed. In the order of the list. */
struct ends {
	parts_list *low, *high; /* first offset, and behind the last */
	parts_list *from, *to;  /* of times; -1 = nothing as late as that */
};

static void
ends_release(struct ends *x)
{
	parts_list *all[] = { x->low, x->high, x->from, x->to };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i])
			rd_kafka_topic_partition_list_destroy(all[i]);
}

/* One error of a broker is the error of all; of leaders that are just made it is not for long. */
static rd_kafka_resp_err_t
ask_list(parts_list *list, rd_kafka_t *rk, int64_t time, int timeout)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + timeout;
	rd_kafka_resp_err_t code;

	for (;;) {
		for (int i = 0; i < list->cnt; i++)
			list->elems[i].offset = time;
		code = rd_kafka_offsets_for_times(rk, list, timeout);
		for (int i = 0; i < list->cnt && !code; i++)
			code = list->elems[i].err;
		if (!client_is_unled(code) || sig_caught() ||
		    clock_mono_ms(clock) >= end)
			return code;
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, AGAIN_MS);
	}
}

/* The offsets of a time, of AT_END or of AT_BEGINNING, one request a broker. */
static int
ask(struct consume *c, const parts_list *list, int64_t time, parts_list **out,
	struct err *e)
{
	int timeout = c->o->timeout_ms < 0 ? 60000 : c->o->timeout_ms;
	rd_kafka_resp_err_t code;

	*out = rd_kafka_topic_partition_list_copy(list);
	code = ask_list(*out, c->rk, time, timeout);
	for (int i = 0; i < list->cnt; i++) {
		const parts_item *p = &(*out)->elems[i];

		if (p->err) {
			client_error(c->client, p->err, NULL, e);
			return err_wrap(e, "'%s' [%d]", p->topic, (int)p->partition);
		}
	}
	if (!code)
		return 0;
	client_error(c->client, code, NULL, e);
	return err_wrap(e, "cannot ask for offsets");
}

/* What the options say about one partition, or NULL. */
static const struct consume_span *
span_of(const struct consume *c, const parts_item *p)
{
	for (int i = 0; i < c->o->spans_n; i++)
		if (c->o->spans[i].partition == p->partition &&
		    !strcmp(c->o->spans[i].topic, p->topic))
			return &c->o->spans[i];
	return NULL;
}

static int
ask_ends(struct consume *c, const parts_list *list, struct ends *x,
	struct err *e)
{
	const struct offset_range *r = &c->o->range;
	/*
	 * Reading always starts at a number: for librdkafka's BEGINNING and
	 * END it would ask itself, and half a second later where it does not
	 * know the leader yet.
	 */
	bool high = r->from.kind == OFFSET_ABSOLUTE || c->bounded ||
		r->from.kind == OFFSET_TAIL || r->from.kind == OFFSET_END ||
		r->from.kind == OFFSET_TIME;

	for (int i = 0; i < list->cnt; i++)
		high |= list->elems[i].offset >= 0 || c->o->spans_n;
	if (ask(c, list, AT_BEGINNING, &x->low, e) ||
	    (high && ask(c, list, AT_END, &x->high, e)))
		return -1;
	if (r->from.kind == OFFSET_TIME &&
	    ask(c, list, r->from.value, &x->from, e))
		return -1;
	return r->to.kind == OFFSET_TIME ?
		ask(c, list, r->to.value, &x->to, e) : 0;
}

static int64_t
tail(const struct ends *x, int i, int64_t n)
{
	int64_t low = x->low->elems[i].offset, high = x->high->elems[i].offset;

	return high - low < n ? low : high - n;
}

/* Where the range begins. */
static int
range_start(const struct consume *c, const struct ends *x, int i,
	int64_t *out, struct err *e)
{
	const struct consume_span *span = span_of(c, &x->low->elems[i]);
	const struct offset_point given = { OFFSET_ABSOLUTE, span ? span->from : -1 };
	const struct offset_point *from = given.value >= 0 ? &given :
		&c->o->range.from;

	switch (from->kind) {
	case OFFSET_ABSOLUTE:
		*out = from->value;
		if (*out >= x->low->elems[i].offset &&
		    *out <= x->high->elems[i].offset)
			return 0;
		return err_set(e, ERR_NOT_FOUND, "'%s' [%d] has no offset %"
			PRId64 ": it begins at %" PRId64 " and ends before %"
			PRId64, x->low->elems[i].topic,
			(int)x->low->elems[i].partition, *out,
			x->low->elems[i].offset, x->high->elems[i].offset);
	case OFFSET_TAIL:
		*out = tail(x, i, from->value);
		return 0;
	case OFFSET_TIME:
		*out = x->from->elems[i].offset;
		if (*out < 0)
			*out = x->high->elems[i].offset;
		return 0;
	case OFFSET_END:
		*out = x->high->elems[i].offset;
		return 0;
	default:
		*out = x->low->elems[i].offset;
		return 0;
	}
}

/*
 * A committed offset wins, unless the log no longer has it: then what is
 * gone is told, and reading begins at the first that is there.
 */
static int
start(const struct consume *c, const struct ends *x, int i, int64_t committed,
	int64_t *out, struct err *e)
{
	const parts_item *low = &x->low->elems[i];

	if (committed < 0)
		return range_start(c, x, i, out, e);
	*out = committed;
	if (committed < low->offset) {
		diag_warn("'%s' [%d]: the group is at offset %" PRId64 ", but the "
			"log begins at %" PRId64 " (older records were deleted)",
			low->topic, (int)low->partition, committed, low->offset);
		*out = low->offset;
	} else if (committed > x->high->elems[i].offset) {
		diag_warn("'%s' [%d]: the group is at offset %" PRId64 ", but the "
			"log ends at %" PRId64 " (was the topic made anew?)",
			low->topic, (int)low->partition, committed,
			x->high->elems[i].offset);
		return range_start(c, x, i, out, e);
	}
	return 0;
}

static int64_t
end(const struct consume *c, const struct ends *x, int i)
{
	const struct offset_point *to = &c->o->range.to;
	const struct consume_span *span = span_of(c, &x->low->elems[i]);
	int64_t high = x->high ? x->high->elems[i].offset : -1, at = high;

	if (!c->bounded)
		return -1;
	if (span && span->to >= 0)
		at = span->to;
	else if (to->kind == OFFSET_ABSOLUTE)
		at = to->value;
	else if (to->kind == OFFSET_TAIL)
		at = tail(x, i, to->value);
	else if (to->kind == OFFSET_TIME && x->to->elems[i].offset >= 0)
		at = x->to->elems[i].offset;
	return c->o->exit_at_end && at > high ? high : at;
}

int
consume_activate(struct consume *c, parts_list *list, struct err *e)
{
	struct ends x = { 0 };
	int result = list->cnt ? ask_ends(c, list, &x, e) : 0;

	/* Arrays of parts move while they grow. */
	c->last_rkt = NULL;
	for (int i = 0; i < list->cnt && !result; i++) {
		parts_item *item = &list->elems[i];
		struct topic *t = consume_topic(c, item->topic);
		struct part *p = consume_part(t, item->partition);
		int64_t from;

		result = start(c, &x, i, item->offset, &from, e);
		if (result)
			break;
		item->offset = from;
		p->start = x.low->elems[i].offset;
		p->end = end(c, &x, i);
		p->next = p->committed = from;
		p->done = p->end >= 0 && from >= p->end;
		c->done += p->done;
		c->active += !p->active;
		p->active = true;
	}
	ends_release(&x);
	return result;
}

void
consume_deactivate(struct consume *c, const parts_list *list)
{
	for (int i = 0; i < list->cnt; i++) {
		struct topic *t = consume_topic(c, list->elems[i].topic);
		struct part *p = consume_part(t, list->elems[i].partition);

		c->active -= p->active;
		c->done -= p->done;
		p->active = p->done = false;
	}
	c->last_rkt = NULL;
}

void
consume_pause(struct consume *c, const char *topic, int32_t partition, bool pause)
{
	parts_list *list = rd_kafka_topic_partition_list_new(1);

	rd_kafka_topic_partition_list_add(list, topic, partition);
	if (pause)
		rd_kafka_pause_partitions(c->rk, list);
	else
		rd_kafka_resume_partitions(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

/* Pausing keeps what is still produced there from filling the queue. */
void
consume_finish(struct consume *c, const struct topic *t, struct part *p)
{
	if (p->done)
		return;
	p->done = true;
	if (++c->done < c->active)
		consume_pause(c, t->name.data, p->id, true);
}

int
consume_positions(const struct consume *c, struct consume_position *out, int max)
{
	int n = 0;

	for (int i = 0; i < c->topics_n; i++)
		for (int k = 0; k < c->topics[i]->parts_n; k++) {
			const struct part *p = &c->topics[i]->parts[k];

			if (!p->active)
				continue;
			if (n < max)
				out[n] = (struct consume_position){
					c->topics[i]->name.data, k, p->start,
					p->next, p->end, p->at_end };
			n++;
		}
	return n;
}
