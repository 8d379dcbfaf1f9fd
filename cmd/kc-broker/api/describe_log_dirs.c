/*
 * DescribeLogDirs: the data directory, the size of each partition in it
 * (KIP-113), and how full its volume is (v4, KIP-827).
 */
#include <sys/statvfs.h>

#include "api/api.h"
#include "api/log_dir.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/nodes.h"
#include "store/partlog.h"
#include "wire/messages.h"

/* A topic asked for, once however often it is named, and which partitions. */
struct wanted {
	const struct topic *topic;
	bool *partitions; /* NULL = all */
};

static void
put_topic(struct request *rq, const struct wanted *w,
	struct describe_log_dirs_response_topic *out)
{
	const struct topic *t = w->topic;

	describe_log_dirs_response_topic_init(out);
	out->name = slice_str(t->name);
	out->partitions = arena_array(&rq->arena, (size_t)t->partitions_n,
		sizeof(*out->partitions));
	for (int32_t i = 0; i < t->partitions_n; i++) {
		struct describe_log_dirs_response_partition *p =
			&out->partitions[out->partitions_n];

		if ((w->partitions && !w->partitions[i]) ||
		    (rq->broker->nodes > 1 && !nodes_has_replica(rq, t, i)))
			continue;
		describe_log_dirs_response_partition_init(p);
		p->partition_index = i;
		p->partition_size = partlog_size(t->partitions[i]);
		out->partitions_n++;
	}
}

static struct wanted *
want_all(struct request *rq, int32_t *n)
{
	struct topic *const *topics = meta_topics(rq->broker->meta, n);
	struct wanted *all = arena_array(&rq->arena, (size_t)*n, sizeof(*all));

	for (int32_t i = 0; i < *n; i++)
		all[i].topic = topics[i];
	return all;
}

/* What is not here is left out, as Kafka does: another broker may have it. */
static struct wanted *
want_some(struct request *rq, const struct describe_log_dirs_request *q, int32_t *n)
{
	struct wanted *some = arena_array(&rq->arena, (size_t)q->topics_n,
		sizeof(*some));
	struct map seen = { 0 };

	*n = 0;
	for (int32_t i = 0; i < q->topics_n; i++) {
		const struct describe_log_dirs_request_topic *in = &q->topics[i];
		const struct topic *t = meta_topic(rq->broker->meta, in->topic);
		struct wanted *w = map_get(&seen, in->topic);

		for (int32_t k = 0; t && k < in->partitions_n; k++) {
			if (!topic_partition(t, in->partitions[k]))
				continue;
			if (!w) {
				w = &some[(*n)++];
				w->topic = t;
				w->partitions = arena_array(&rq->arena,
					(size_t)t->partitions_n, sizeof(bool));
				map_put(&seen, in->topic, w);
			}
			w->partitions[in->partitions[k]] = true;
		}
	}
	map_release(&seen);
	return some;
}

static void
put_volume(const char *dir, struct describe_log_dirs_response_result *out)
{
	struct statvfs v;

	if (statvfs(dir, &v))
		return; /* -1: not known */
	out->total_bytes = (int64_t)(v.f_blocks * v.f_frsize);
	out->usable_bytes = (int64_t)(v.f_bavail * v.f_frsize);
}

int
api_describe_log_dirs(struct request *rq)
{
	struct describe_log_dirs_response_result result;
	struct describe_log_dirs_response resp;
	struct describe_log_dirs_request q;
	const struct wanted *w;

	if (describe_log_dirs_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_log_dirs_response_init(&resp);
	describe_log_dirs_response_result_init(&result);
	resp.results = &result;
	resp.results_n = 1;
	result.log_dir = log_dir_path(rq);
	put_volume(rq->broker->dir, &result);
	w = q.topics_n < 0 ? want_all(rq, &result.topics_n) :
		want_some(rq, &q, &result.topics_n);
	result.topics = arena_array(&rq->arena, (size_t)result.topics_n,
		sizeof(*result.topics));
	for (int32_t i = 0; i < result.topics_n; i++)
		put_topic(rq, &w[i], &result.topics[i]);
	describe_log_dirs_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
