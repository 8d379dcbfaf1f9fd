/*
 * table.c - which requests are answered, in which versions.
 *
 * The ranges are exactly what Apache Kafka 4.4 advertises for these keys:
 * clients choose features by them, old librdkafka even by single versions.
 * The versions themselves are those of the *.msg definitions.
 */
#include <stddef.h>

#include "api/api.h"
#include "api/release.h"
#include "broker.h"
#include "wire/messages.h"

#define ROW(NAME, Name, name) ROW_FROM(NAME, NAME##_REQUEST_MIN, Name, name)
#define ROW_FROM(NAME, advertised, Name, name)                          \
	{                                                               \
		NAME##_REQUEST_KEY, advertised, NAME##_REQUEST_MAX,     \
		NAME##_REQUEST_MIN, NAME##_REQUEST_FLEXIBLE, Name,      \
		api_##name                                              \
	}

/* Sorted by key, as ApiVersions sends them. */
static const struct api table[] = {
	/*
	 * librdkafka below 2.11 compresses only for a broker that has Produce
	 * 0, so Kafka claims to (KAFKA-18659); it serves 3 and up.
	 */
	ROW_FROM(PRODUCE, 0, "Produce", produce),
	ROW(FETCH, "Fetch", fetch),
	ROW(LIST_OFFSETS, "ListOffsets", list_offsets),
	ROW(METADATA, "Metadata", metadata),
	ROW(OFFSET_COMMIT, "OffsetCommit", offset_commit),
	ROW(OFFSET_FETCH, "OffsetFetch", offset_fetch),
	ROW(FIND_COORDINATOR, "FindCoordinator", find_coordinator),
	ROW(JOIN_GROUP, "JoinGroup", join_group),
	ROW(HEARTBEAT, "Heartbeat", heartbeat),
	ROW(LEAVE_GROUP, "LeaveGroup", leave_group),
	ROW(SYNC_GROUP, "SyncGroup", sync_group),
	ROW(DESCRIBE_GROUPS, "DescribeGroups", describe_groups),
	ROW(LIST_GROUPS, "ListGroups", list_groups),
	ROW(API_VERSIONS, "ApiVersions", api_versions),
	ROW(CREATE_TOPICS, "CreateTopics", create_topics),
	ROW(DELETE_TOPICS, "DeleteTopics", delete_topics),
	ROW(DELETE_RECORDS, "DeleteRecords", delete_records),
	ROW(INIT_PRODUCER_ID, "InitProducerId", init_producer_id),
	ROW(OFFSET_FOR_LEADER_EPOCH, "OffsetForLeaderEpoch",
		offset_for_leader_epoch),
	ROW(ADD_PARTITIONS_TO_TXN, "AddPartitionsToTxn", add_partitions_to_txn),
	ROW(ADD_OFFSETS_TO_TXN, "AddOffsetsToTxn", add_offsets_to_txn),
	ROW(END_TXN, "EndTxn", end_txn),
	ROW(WRITE_TXN_MARKERS, "WriteTxnMarkers", write_txn_markers),
	ROW(TXN_OFFSET_COMMIT, "TxnOffsetCommit", txn_offset_commit),
	ROW(DESCRIBE_ACLS, "DescribeAcls", describe_acls),
	ROW(CREATE_ACLS, "CreateAcls", create_acls),
	ROW(DELETE_ACLS, "DeleteAcls", delete_acls),
	ROW(DESCRIBE_CONFIGS, "DescribeConfigs", describe_configs),
	ROW(ALTER_CONFIGS, "AlterConfigs", alter_configs),
	ROW(ALTER_REPLICA_LOG_DIRS, "AlterReplicaLogDirs",
		alter_replica_log_dirs),
	ROW(DESCRIBE_LOG_DIRS, "DescribeLogDirs", describe_log_dirs),
	ROW(CREATE_PARTITIONS, "CreatePartitions", create_partitions),
	ROW(DELETE_GROUPS, "DeleteGroups", delete_groups),
	ROW(ELECT_LEADERS, "ElectLeaders", elect_leaders),
	ROW(INCREMENTAL_ALTER_CONFIGS, "IncrementalAlterConfigs",
		incremental_alter_configs),
	ROW(ALTER_PARTITION_REASSIGNMENTS, "AlterPartitionReassignments",
		alter_partition_reassignments),
	ROW(LIST_PARTITION_REASSIGNMENTS, "ListPartitionReassignments",
		list_partition_reassignments),
	ROW(OFFSET_DELETE, "OffsetDelete", offset_delete),
	ROW(DESCRIBE_CLIENT_QUOTAS, "DescribeClientQuotas",
		describe_client_quotas),
	ROW(ALTER_CLIENT_QUOTAS, "AlterClientQuotas", alter_client_quotas),
	ROW(DESCRIBE_USER_SCRAM_CREDENTIALS, "DescribeUserScramCredentials",
		describe_user_scram_credentials),
	ROW(ALTER_USER_SCRAM_CREDENTIALS, "AlterUserScramCredentials",
		alter_user_scram_credentials),
	ROW(DESCRIBE_QUORUM, "DescribeQuorum", describe_quorum),
	ROW(UPDATE_FEATURES, "UpdateFeatures", update_features),
	ROW(DESCRIBE_CLUSTER, "DescribeCluster", describe_cluster),
	ROW(DESCRIBE_PRODUCERS, "DescribeProducers", describe_producers),
	ROW(DESCRIBE_TRANSACTIONS, "DescribeTransactions", describe_transactions),
	ROW(LIST_TRANSACTIONS, "ListTransactions", list_transactions),
	ROW(CONSUMER_GROUP_HEARTBEAT, "ConsumerGroupHeartbeat",
		consumer_group_heartbeat),
	ROW(CONSUMER_GROUP_DESCRIBE, "ConsumerGroupDescribe",
		consumer_group_describe),
	ROW(GET_TELEMETRY_SUBSCRIPTIONS, "GetTelemetrySubscriptions",
		get_telemetry_subscriptions),
	ROW(PUSH_TELEMETRY, "PushTelemetry", push_telemetry),
	ROW(LIST_CONFIG_RESOURCES, "ListConfigResources",
		list_config_resources),
	ROW(DESCRIBE_TOPIC_PARTITIONS, "DescribeTopicPartitions",
		describe_topic_partitions),
};

enum { ROWS = sizeof(table) / sizeof(table[0]) };

const struct api *
api_table(int *n)
{
	*n = ROWS;
	return table;
}

const struct api *
api_find(int16_t key)
{
	int low = 0, high = ROWS;

	while (low < high) {
		int middle = (low + high) / 2;

		if (table[middle].key == key)
			return &table[middle];
		if (table[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int16_t
api_max(const struct broker *b, const struct api *a)
{
	int16_t max = b->release ? release_max(b->release, a->key) : a->max;

	return max < a->max ? max : a->max;
}

bool
api_is_coordinated(int16_t key)
{
	/* KIP-848's and the transactions' among them: by Kafka's numbers. */
	static const int16_t keys[] = { 8, 9, 11, 12, 13, 14, 15, 22, 24, 25, 26,
		28, 42, 47, 65, 68, 69 };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i] == key)
			return true;
	return false;
}
