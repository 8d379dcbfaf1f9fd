/*
 * table.c - which requests are answered, in which versions.
 *
 * The ranges are exactly what Apache Kafka 4.4 advertises for these keys:
 * clients choose features by them, old librdkafka even by single versions.
 * The versions themselves are those of the *.msg definitions.
 */
#include <stddef.h>

#include "api/api.h"
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
	ROW(DESCRIBE_QUORUM, "DescribeQuorum", describe_quorum),
	ROW(DESCRIBE_CLUSTER, "DescribeCluster", describe_cluster),
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
