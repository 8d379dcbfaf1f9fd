#include "kafka/sink.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/json.h"
#include "kafka/group_offsets.h"
#include "kafka/producer.h"
#include "kafka/transaction.h"
#include "model/positions.h"

enum {
	COMMIT_MS = 1000,
	IDLE_MS = 100,        /* the same, when no line waits */
	COMMIT_LINES = 20000, /* of a transaction: an open one stalls its readers */
	LOOK_EVERY = 256,     /* lines between two looks at the clock */
};

struct sink {
	struct producer *p;
	struct client *asker; /* a consumer with the group's name, no member */
	struct sink_options o;
	struct positions positions;
	struct buf kc;        /* the last member kc that was found to be right */
	char *cluster;
	int64_t lines;        /* since the last commit */
	int64_t passed;
	bool barriers;        /* there are some: commits are made there */
	bool at_barrier;      /* no line came behind the last one */
	int64_t committed_ms;
};

static int64_t
now_mono(void)
{
	return clock_mono_ms(clock_system());
}

static int
wait_ms(const struct sink *s)
{
	return s->o.timeout_ms < 0 ? 60000 : s->o.timeout_ms;
}

/* Stable ones, whatever is configured. */
static void
setup(rd_kafka_conf_t *k, void *user)
{
	(void)user;
	rd_kafka_conf_set(k, "isolation.level", "read_committed", NULL, 0);
}

int
sink_open(struct sink **out, struct producer *p, const struct sink_options *o,
	struct err *e)
{
	struct sink *s = xcalloc(1, sizeof(*s));

	s->p = p;
	s->o = *o;
	s->committed_ms = now_mono();
	s->cluster = client_cluster_id(producer_client(p), wait_ms(s));
	if (client_open_with(&s->asker, o->conf, CLIENT_CONSUMER, o->group, setup,
	    NULL, e) || txn_check_group(p, o->group, e)) {
		sink_close(s);
		return err_wrap(e, "group '%s'", o->group);
	}
	*out = s;
	return 0;
}

/* The first line of a topic: where does the group stand in it? */
static int
open_topic(struct sink *s, const struct src *src, struct err *e)
{
	rd_kafka_topic_partition_list_t *list;
	struct buf name = BUF_INIT;
	int32_t partitions;
	int result;

	buf_addslice(&name, src->topic);
	result = producer_count_partitions(s->p, buf_cstr(&name), &partitions, e);
	if (!result && src->partition >= partitions)
		result = err_set(e, ERR_NOT_FOUND, "this cluster has no '%s' [%"
			PRId32 "], whose offsets should be committed (they are "
			"committed where the records were read; kc-replay copies "
			"between clusters)", buf_cstr(&name), src->partition);
	if (result)
		goto out;
	list = rd_kafka_topic_partition_list_new(partitions);
	rd_kafka_topic_partition_list_add_range(list, buf_cstr(&name), 0, partitions - 1);
	result = client_committed(s->asker, list, wait_ms(s), e);
	for (int i = 0; i < list->cnt && !result; i++)
		positions_start(&s->positions, src->topic, list->elems[i].partition,
			list->elems[i].offset < 0 ? -1 : list->elems[i].offset);
	rd_kafka_topic_partition_list_destroy(list);
	if (result)
		err_wrap(e, "group '%s': cannot read its offsets", s->o.group);
out:
	buf_release(&name);
	return result;
}

/* Lines of kc-consume --from-group say which cluster and group they are of. */
static int
check_names(const struct sink *s, const struct json *kc, struct err *e)
{
	const char *cluster = json_string(json_get(kc, "cluster"));
	const char *group = json_string(json_get(kc, "group"));

	if (cluster && s->cluster && strcmp(cluster, s->cluster))
		return err_set(e, ERR_FAILED, "the lines are of cluster '%s', "
			"and this is '%s': offsets are committed where the "
			"records were read (kc-replay copies between clusters)",
			cluster, s->cluster);
	if (group && strcmp(group, s->o.group))
		return err_set(e, ERR_FAILED, "the lines were read for group "
			"'%s', not '%s' (--from-group and --commit-group name "
			"the same one)", group, s->o.group);
	return 0;
}

/* They are all alike: only the first is looked at. */
static int
check_origin(struct sink *s, struct slice kc, struct err *e)
{
	struct json *j;
	int result;

	if (slice_is_null(kc) || slice_eq(kc, buf_slice(&s->kc)))
		return 0;
	j = json_parse(kc, e);
	if (!j)
		return err_wrap(e, "member kc");
	result = check_names(s, j, e);
	json_free(j);
	if (result)
		return -1;
	buf_clear(&s->kc);
	buf_addslice(&s->kc, kc);
	return 0;
}

static bool
is_due(struct sink *s)
{
	if (s->barriers)
		return false;
	if (s->o.txn && s->lines >= COMMIT_LINES)
		return true;
	return s->lines % LOOK_EVERY == 0 && s->lines &&
		now_mono() - s->committed_ms >= COMMIT_MS;
}

static int
out_of_order(const struct sink *s, const struct src *src, struct err *e)
{
	return err_set(e, ERR_FAILED, "'%.*s' [%" PRId32 "]: a line of offset %"
		PRId64 " comes behind one of offset %" PRId64 " (a filter that "
		"changes the order needs kc-consume --exec, which has answers "
		"in any order)", SLICE_ARG(src->topic), src->partition, src->offset,
		s->positions.latest->next - 1);
}

int
sink_take(struct sink *s, struct slice text, struct slice kc, struct err *e)
{
	struct src src;

	if (slice_is_null(text))
		return err_set(e, ERR_FORMAT, "the line has no src (kc-consume "
			"--from-group writes it, and filters must keep it)");
	if (src_parse(text, &src, e) || check_origin(s, kc, e) ||
	    (!positions_knows(&s->positions, src.topic, src.partition) &&
	     open_topic(s, &src, e)))
		return -1;
	switch (positions_look(&s->positions, &src)) {
	case POSITION_DONE:
		s->passed++;
		return 0;
	case POSITION_BACK:
		return out_of_order(s, &src, e);
	case POSITION_NEW:
		if (is_due(s) && sink_commit(s, e))
			return -1;
		positions_take(&s->positions, &src);
		break;
	case POSITION_SAME:
		break;
	}
	s->lines++;
	s->at_barrier = false;
	return s->o.txn && !txn_is_open(s->p) && txn_begin(s->p, e) ? -1 : 1;
}

static int
commit_offsets(struct sink *s, struct group_offsets *offsets, struct err *e)
{
	if (producer_flush(s->p, -1, e) || (s->o.keep && s->o.keep(s->o.user, e)))
		return -1;
	if (!group_offsets_set(producer_client(s->p), s->o.group, offsets,
	    wait_ms(s), e))
		return 0;
	return err_wrap(e, "group '%s': the records are sent, but not committed",
		s->o.group);
}

int
sink_commit(struct sink *s, struct err *e)
{
	const struct txn_source source = { s->o.group, NULL };
	struct group_offsets offsets = { 0 };
	int result;

	if (!positions_due(&s->positions))
		return 0;
	for (int i = 0; i < s->positions.n; i++) {
		const struct position *at = s->positions.items[i];

		if (at->next >= 0 && at->next != at->committed)
			group_offsets_add(&offsets, slice_str(at->topic),
				at->partition, at->next, NULL);
	}
	result = s->o.txn && !txn_is_open(s->p) && txn_begin(s->p, e) ? -1 :
		s->o.txn ? txn_commit(s->p, &source, &offsets, e) :
		commit_offsets(s, &offsets, e);
	group_offsets_release(&offsets);
	if (result)
		return -1;
	positions_committed(&s->positions);
	s->lines = 0;
	s->committed_ms = now_mono();
	return 0;
}

/* "topic/partition": offset */
static int
pass(struct sink *s, const struct json *next, struct err *e)
{
	struct buf text = BUF_INIT;
	int64_t offset = -1;
	struct src src;
	int result;

	json_int(next, &offset);
	buf_addf(&text, "%s/%" PRId64, json_name(next), offset);
	result = src_parse(buf_slice(&text), &src, e) ||
		(!positions_knows(&s->positions, src.topic, src.partition) &&
		open_topic(s, &src, e));
	if (!result)
		positions_pass(&s->positions, &src);
	buf_release(&text);
	return result ? -1 : 0;
}

int
sink_barrier(struct sink *s, struct slice kc, struct err *e)
{
	struct json *j = json_parse(kc, e);
	const struct json *next = json_get(j, "next");
	int result = -1;

	if (!j)
		return err_wrap(e, "member kc");
	if (!json_is_object(next))
		err_set(e, ERR_FORMAT, "no value and no json, and no barrier");
	else
		result = check_names(s, j, e);
	for (const struct json *n = json_first(next); n && !result; n = json_next(n))
		result = pass(s, n, e);
	json_free(j);
	if (result)
		return -1;
	s->barriers = s->at_barrier = true;
	return now_mono() - s->committed_ms < IDLE_MS ? 0 : sink_commit(s, e);
}

int
sink_finish(struct sink *s, struct err *e)
{
	if (!s->barriers || s->at_barrier)
		return sink_commit(s, e);
	return err_set(e, ERR_FAILED, "the input was cut: there is no barrier behind "
		"its last line (the reader or a filter ended early; what came "
		"behind the last barrier is not committed)");
}

int
sink_idle(struct sink *s, struct err *e)
{
	if (s->barriers && !s->at_barrier)
		return 1;
	if (positions_due(&s->positions) && now_mono() - s->committed_ms < IDLE_MS)
		return 0;
	return sink_commit(s, e) ? -1 : 1;
}

int64_t
sink_passed(const struct sink *s)
{
	return s->passed;
}

void
sink_close(struct sink *s)
{
	struct err ignored = ERR_INIT;

	if (!s)
		return;
	if (s->o.txn)
		txn_abort(s->p, &ignored);
	client_close(s->asker);
	positions_release(&s->positions);
	buf_release(&s->kc);
	free(s->cluster);
	free(s);
}
