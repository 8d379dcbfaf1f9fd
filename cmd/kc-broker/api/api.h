/*
 * api.h - the table of requests: one row, one file in this folder, each.
 *
 * To add one: wire/<name>_{request,response}.msg, api/<name>.c with the
 * handler, a row in table.c. ApiVersions answers from the table.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stdint.h>

struct broker;
struct request;

struct api {
	int16_t key;
	int16_t min, max;       /* versions advertised */
	int16_t served;         /* lowest version served; below it the connection closes */
	int16_t flexible;       /* first flexible version, 32767 = none */
	const char *name;       /* as in Kafka's schema: "Produce" */
	/* 0, or -1 when the body cannot be parsed: the connection is closed. */
	int (*handle)(struct request *rq);
};

/* NULL when the key is not implemented. */
const struct api *api_find(int16_t key);
const struct api *api_table(int *n);
/* The highest version offered: with --as-version less than max; -1 = none. */
int16_t api_max(const struct broker *b, const struct api *a);
/* Does the request go to the coordinator of a group or a transaction? */
bool api_is_coordinated(int16_t key);

#define API_HANDLER(name) int api_##name(struct request *rq)

API_HANDLER(produce);
API_HANDLER(fetch);
API_HANDLER(list_offsets);
API_HANDLER(metadata);
API_HANDLER(offset_commit);
API_HANDLER(offset_fetch);
API_HANDLER(find_coordinator);
API_HANDLER(join_group);
API_HANDLER(heartbeat);
API_HANDLER(leave_group);
API_HANDLER(sync_group);
API_HANDLER(describe_groups);
API_HANDLER(consumer_group_heartbeat);
API_HANDLER(consumer_group_describe);
API_HANDLER(list_groups);
API_HANDLER(api_versions);
/* The answer to an ApiVersions that is newer than ours (KIP-511); rq->version is 0. */
void api_versions_unsupported(struct request *rq);
API_HANDLER(create_topics);
API_HANDLER(delete_topics);
API_HANDLER(delete_records);
API_HANDLER(init_producer_id);
API_HANDLER(add_partitions_to_txn);
API_HANDLER(add_offsets_to_txn);
API_HANDLER(end_txn);
API_HANDLER(write_txn_markers);
API_HANDLER(txn_offset_commit);
API_HANDLER(describe_transactions);
API_HANDLER(list_transactions);
API_HANDLER(offset_for_leader_epoch);
API_HANDLER(describe_configs);
API_HANDLER(alter_configs);
API_HANDLER(alter_replica_log_dirs);
API_HANDLER(describe_log_dirs);
API_HANDLER(create_partitions);
API_HANDLER(delete_groups);
API_HANDLER(elect_leaders);
API_HANDLER(incremental_alter_configs);
API_HANDLER(alter_partition_reassignments);
API_HANDLER(list_partition_reassignments);
API_HANDLER(offset_delete);
API_HANDLER(describe_quorum);
API_HANDLER(describe_cluster);
API_HANDLER(describe_producers);
API_HANDLER(list_config_resources);
API_HANDLER(describe_acls);
API_HANDLER(create_acls);
API_HANDLER(delete_acls);
API_HANDLER(describe_client_quotas);
API_HANDLER(alter_client_quotas);
API_HANDLER(describe_user_scram_credentials);
API_HANDLER(alter_user_scram_credentials);
API_HANDLER(update_features);
API_HANDLER(get_telemetry_subscriptions);
API_HANDLER(push_telemetry);
API_HANDLER(describe_topic_partitions);

#endif
