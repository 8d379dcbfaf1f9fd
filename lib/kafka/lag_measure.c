#include "kafka/lag_measure.h"

#include <poll.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/sig.h"
#include "kafka/lag_pass.h"

/* ---- what the steps share ---------------------------------------------------- */

int
lag_left_ms(const struct lag_pass *pass)
{
	int64_t left = pass->o->deadline_ms - clock_mono_ms(clock_system());

	return left <= 0 || sig_caught() ? 0 : left > INT32_MAX ? INT32_MAX :
		(int)left;
}

int
lag_share_ms(const struct lag_pass *pass)
{
	int left = lag_left_ms(pass);

	return left > 1 ? left / 2 : left;
}

enum lag_reason
lag_reason_of(rd_kafka_resp_err_t code, const char **error)
{
	*error = rd_kafka_err2str(code);
	if (!strncmp(*error, "Broker: ", 8) || !strncmp(*error, "Local: ", 7))
		*error = strchr(*error, ' ') + 1;
	switch (code) {
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		return LAG_TOPIC_GONE;
	case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
	case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
	case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
	case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
		return LAG_NO_LEADER;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		return LAG_UNAUTHORIZED;
	case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
		return LAG_LOADING;
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
	case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
	case RD_KAFKA_RESP_ERR__WAIT_COORD:
	case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
		return LAG_TIMEOUT;
	default:
		return LAG_ERROR;
	}
}

/* ---- the handle ---------------------------------------------------------------- */

static void
set_up(rd_kafka_conf_t *conf, void *isolation)
{
	char why[128];

	/* Small requests in a row would wait for each other's ACKs. */
	rd_kafka_conf_set(conf, "socket.nagle.disable", "true", why, sizeof(why));
	rd_kafka_conf_set(conf, "isolation.level", isolation, why, sizeof(why));
	/* lag_age.h reads one record of each partition */
	rd_kafka_conf_set(conf, "fetch.message.max.bytes", "4096", why, sizeof(why));
	rd_kafka_conf_set(conf, "queued.min.messages", "1000", why, sizeof(why));
	rd_kafka_conf_set(conf, "fetch.wait.max.ms", "10", why, sizeof(why));
	rd_kafka_conf_set(conf, "fetch.error.backoff.ms", "10", why, sizeof(why));
	rd_kafka_conf_set(conf, "enable.partition.eof", "true", why, sizeof(why));
	rd_kafka_conf_set(conf, "enable.auto.commit", "false", why, sizeof(why));
}

int
lag_open(struct client **out, const struct conf *conf, bool committed_only,
	struct err *e)
{
	static char levels[2][20] = { "read_uncommitted", "read_committed" };

	return client_open_with(out, conf, CLIENT_OFFSETS, NULL, set_up,
		levels[committed_only], e);
}

/* librdkafka 2.0.2 takes the isolation of ListOffsets from the handle. */
static void
set_committed(rd_kafka_conf_t *conf, void *arg)
{
	char why[128];

	(void)arg;
	rd_kafka_conf_set(conf, "isolation.level", "read_committed", why,
		sizeof(why));
}

static rd_kafka_t *
stable_handle(struct client *c)
{
	struct client *twin = client_twin(c, LAG_TWIN_STABLE, set_committed, NULL);

	return twin ? client_handle(twin) : NULL;
}

/* ---- one measuring -------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct lag_group *)a)->name,
		((const struct lag_group *)b)->name);
}

static void
name_cluster(struct lag_pass *pass)
{
	char *id = rd_kafka_clusterid(pass->rk, 0);

	pass->s->cluster_id = arena_copy(&pass->s->arena,
		slice_str(id ? id : "")).data;
	if (id)
		rd_kafka_mem_free(pass->rk, id);
}

bool
lag_is_worn(const struct lag_snapshot *s)
{
	int i = 0;

	while (i < s->groups_n && s->groups[i].reason != LAG_TIMEOUT)
		i++;
	return i < s->groups_n;
}

int
lag_measure(struct client *c, const struct lag_measure_options *o,
	struct lag_snapshot *out, struct err *e)
{
	struct lag_pass pass = { c, client_handle(c), NULL, o, out };
	struct lag_policies *policies;

	*out = (struct lag_snapshot){
		.is_committed_only = o->committed_only,
		.has_stable = o->with_stable,
		.counts_unassigned = o->counts_unassigned
	};
	if (o->with_stable)
		pass.stable_rk = stable_handle(c);
	name_cluster(&pass);
	if (lag_groups(&pass, e)) {
		lag_snapshot_release(out);
		return -1;
	}
	if (out->groups_n)
		qsort(out->groups, (size_t)out->groups_n, sizeof(*out->groups),
			by_name);
	lag_commits(&pass);
	lag_topics(&pass);
	policies = o->with_policies ? lag_policies_ask(&pass) : NULL;
	lag_ends(&pass);
	lag_ends_again(&pass);
	lag_policies_take(&pass, policies);
	out->taken_ms = clock_wall_ms(clock_system());
	lag_finish(out);
	return 0;
}
