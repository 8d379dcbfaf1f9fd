/*
 * AlterReplicaLogDirs: moves partitions between log directories (KIP-113).
 * Here there is one: what is to move there is there already.
 */
#include "api/api.h"
#include "api/log_dir.h"
#include "broker.h"
#include "meta/meta.h"
#include "wire/errors.h"
#include "wire/messages.h"

static void
put_topic(struct request *rq, bool is_ours,
	const struct alter_replica_log_dirs_request_topic *in,
	struct alter_replica_log_dirs_response_topic *out)
{
	const struct topic *t = meta_topic(rq->broker->meta, in->name);

	alter_replica_log_dirs_response_topic_init(out);
	out->topic_name = in->name;
	out->partitions_n = in->partitions_n;
	out->partitions = arena_array(&rq->arena, (size_t)in->partitions_n,
		sizeof(*out->partitions));
	for (int32_t i = 0; i < in->partitions_n; i++) {
		struct alter_replica_log_dirs_response_partition *p =
			&out->partitions[i];

		alter_replica_log_dirs_response_partition_init(p);
		p->partition_index = in->partitions[i];
		if (!is_ours)
			p->error_code = KERR_LOG_DIR_NOT_FOUND;
		else if (!t || !topic_partition(t, in->partitions[i]))
			p->error_code = KERR_UNKNOWN_TOPIC_OR_PARTITION;
	}
}

int
api_alter_replica_log_dirs(struct request *rq)
{
	struct alter_replica_log_dirs_response resp;
	struct alter_replica_log_dirs_request q;
	struct slice path = log_dir_path(rq);
	size_t n = 0;

	if (alter_replica_log_dirs_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	alter_replica_log_dirs_response_init(&resp);
	for (int32_t i = 0; i < q.dirs_n; i++)
		n += (size_t)q.dirs[i].topics_n;
	resp.results = arena_array(&rq->arena, n, sizeof(*resp.results));
	for (int32_t i = 0; i < q.dirs_n; i++)
		for (int32_t k = 0; k < q.dirs[i].topics_n; k++)
			put_topic(rq, slice_eq(q.dirs[i].path, path),
				&q.dirs[i].topics[k],
				&resp.results[resp.results_n++]);
	alter_replica_log_dirs_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
