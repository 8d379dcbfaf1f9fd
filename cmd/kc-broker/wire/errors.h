/*
 * errors.h - every error code of Kafka's protocol, by Kafka's own name.
 *
 * Complete as of Apache Kafka 4.4 (class Errors of kafka-clients), so that
 * foreign codes can be named too. The sentences are ours: they go into logs
 * and into the error_message fields of replies that have nothing better.
 */
#ifndef WIRE_ERRORS_H
#define WIRE_ERRORS_H

#include <stdint.h>

/* name, code, what it means */
#define KERR_CODES(X) \
	X(UNKNOWN_SERVER_ERROR, -1, "unexpected error in the broker") \
	X(NONE, 0, "no error") \
	X(OFFSET_OUT_OF_RANGE, 1, "offset outside the range of the log") \
	X(CORRUPT_MESSAGE, 2, "record batch is damaged: checksum, size or format") \
	X(UNKNOWN_TOPIC_OR_PARTITION, 3, "no such topic or partition here") \
	X(INVALID_FETCH_SIZE, 4, "invalid fetch size") \
	X(LEADER_NOT_AVAILABLE, 5, "partition has no leader now") \
	X(NOT_LEADER_OR_FOLLOWER, 6, "not the leader or a follower of this partition") \
	X(REQUEST_TIMED_OUT, 7, "request timed out") \
	X(BROKER_NOT_AVAILABLE, 8, "broker is not available") \
	X(REPLICA_NOT_AVAILABLE, 9, "replica is not available") \
	X(MESSAGE_TOO_LARGE, 10, "message larger than the broker accepts") \
	X(STALE_CONTROLLER_EPOCH, 11, "controller has moved") \
	X(OFFSET_METADATA_TOO_LARGE, 12, "offset metadata is too long") \
	X(NETWORK_EXCEPTION, 13, "connection lost before the response") \
	X(COORDINATOR_LOAD_IN_PROGRESS, 14, "group coordinator is loading") \
	X(COORDINATOR_NOT_AVAILABLE, 15, "group coordinator is not available") \
	X(NOT_COORDINATOR, 16, "not the coordinator of this group") \
	X(INVALID_TOPIC_EXCEPTION, 17, "invalid topic name") \
	X(RECORD_LIST_TOO_LARGE, 18, "batch larger than a segment") \
	X(NOT_ENOUGH_REPLICAS, 19, "fewer in-sync replicas than required") \
	X(NOT_ENOUGH_REPLICAS_AFTER_APPEND, 20, \
		"appended, but to fewer in-sync replicas than required") \
	X(INVALID_REQUIRED_ACKS, 21, "acks is not -1, 0 or 1") \
	X(ILLEGAL_GENERATION, 22, "generation of the group is not this one") \
	X(INCONSISTENT_GROUP_PROTOCOL, 23, "member's protocols do not fit the group's") \
	X(INVALID_GROUP_ID, 24, "invalid group id") \
	X(UNKNOWN_MEMBER_ID, 25, "group does not know this member") \
	X(INVALID_SESSION_TIMEOUT, 26, "session timeout outside the allowed range") \
	X(REBALANCE_IN_PROGRESS, 27, "group is rebalancing: join again") \
	X(INVALID_COMMIT_OFFSET_SIZE, 28, "offset commit is too large") \
	X(TOPIC_AUTHORIZATION_FAILED, 29, "not authorized for this topic") \
	X(GROUP_AUTHORIZATION_FAILED, 30, "not authorized for this group") \
	X(CLUSTER_AUTHORIZATION_FAILED, 31, "not authorized for the cluster") \
	X(INVALID_TIMESTAMP, 32, "timestamp outside the allowed range") \
	X(UNSUPPORTED_SASL_MECHANISM, 33, "SASL mechanism is not supported") \
	X(ILLEGAL_SASL_STATE, 34, "SASL message out of order") \
	X(UNSUPPORTED_VERSION, 35, "this version of the request is not supported") \
	X(TOPIC_ALREADY_EXISTS, 36, "topic exists already") \
	X(INVALID_PARTITIONS, 37, "invalid number of partitions") \
	X(INVALID_REPLICATION_FACTOR, 38, "invalid replication factor") \
	X(INVALID_REPLICA_ASSIGNMENT, 39, "invalid replica assignment") \
	X(INVALID_CONFIG, 40, "invalid configuration") \
	X(NOT_CONTROLLER, 41, "not the controller") \
	X(INVALID_REQUEST, 42, "malformed request") \
	X(UNSUPPORTED_FOR_MESSAGE_FORMAT, 43, "message format does not support this request") \
	X(POLICY_VIOLATION, 44, "refused by policy") \
	X(OUT_OF_ORDER_SEQUENCE_NUMBER, 45, "sequence number out of order") \
	X(DUPLICATE_SEQUENCE_NUMBER, 46, "sequence number seen before") \
	X(INVALID_PRODUCER_EPOCH, 47, "producer epoch is old") \
	X(INVALID_TXN_STATE, 48, "transaction is not in a state for this") \
	X(INVALID_PRODUCER_ID_MAPPING, 49, "producer id does not belong to this transactional id") \
	X(INVALID_TRANSACTION_TIMEOUT, 50, "transaction timeout larger than allowed") \
	X(CONCURRENT_TRANSACTIONS, 51, "another operation on this transaction is running") \
	X(TRANSACTION_COORDINATOR_FENCED, 52, "transaction coordinator is fenced") \
	X(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 53, "not authorized for this transactional id") \
	X(SECURITY_DISABLED, 54, "security features are disabled") \
	X(OPERATION_NOT_ATTEMPTED, 55, "not attempted because another part failed") \
	X(KAFKA_STORAGE_ERROR, 56, "disk error on the log") \
	X(LOG_DIR_NOT_FOUND, 57, "no such log directory") \
	X(SASL_AUTHENTICATION_FAILED, 58, "SASL authentication failed") \
	X(UNKNOWN_PRODUCER_ID, 59, "producer id is not known") \
	X(REASSIGNMENT_IN_PROGRESS, 60, "partition reassignment is running") \
	X(DELEGATION_TOKEN_AUTH_DISABLED, 61, "delegation tokens are disabled") \
	X(DELEGATION_TOKEN_NOT_FOUND, 62, "no such delegation token") \
	X(DELEGATION_TOKEN_OWNER_MISMATCH, 63, "not the owner of the delegation token") \
	X(DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, 64, \
		"delegation tokens are not allowed on this channel") \
	X(DELEGATION_TOKEN_AUTHORIZATION_FAILED, 65, "not authorized for delegation tokens") \
	X(DELEGATION_TOKEN_EXPIRED, 66, "delegation token has expired") \
	X(INVALID_PRINCIPAL_TYPE, 67, "invalid principal type") \
	X(NON_EMPTY_GROUP, 68, "group is not empty") \
	X(GROUP_ID_NOT_FOUND, 69, "no such group") \
	X(FETCH_SESSION_ID_NOT_FOUND, 70, "no such fetch session") \
	X(INVALID_FETCH_SESSION_EPOCH, 71, "invalid fetch session epoch") \
	X(LISTENER_NOT_FOUND, 72, "leader has no listener of this name") \
	X(TOPIC_DELETION_DISABLED, 73, "topic deletion is disabled") \
	X(FENCED_LEADER_EPOCH, 74, "leader epoch is older than the broker's") \
	X(UNKNOWN_LEADER_EPOCH, 75, "leader epoch is newer than the broker's") \
	X(UNSUPPORTED_COMPRESSION_TYPE, 76, "compression type is not supported by this version") \
	X(STALE_BROKER_EPOCH, 77, "broker epoch has changed") \
	X(OFFSET_NOT_AVAILABLE, 78, "offset is not available yet") \
	X(MEMBER_ID_REQUIRED, 79, "member id required: join again with the one given") \
	X(PREFERRED_LEADER_NOT_AVAILABLE, 80, "preferred leader is not available") \
	X(GROUP_MAX_SIZE_REACHED, 81, "group is full") \
	X(FENCED_INSTANCE_ID, 82, "another member took this group instance id") \
	X(ELIGIBLE_LEADERS_NOT_AVAILABLE, 83, "no eligible leader is available") \
	X(ELECTION_NOT_NEEDED, 84, "election is not needed") \
	X(NO_REASSIGNMENT_IN_PROGRESS, 85, "no partition reassignment is running") \
	X(GROUP_SUBSCRIBED_TO_TOPIC, 86, "group is subscribed to this topic") \
	X(INVALID_RECORD, 87, "invalid record") \
	X(UNSTABLE_OFFSET_COMMIT, 88, "a transaction has offsets pending") \
	X(THROTTLING_QUOTA_EXCEEDED, 89, "quota exceeded") \
	X(PRODUCER_FENCED, 90, "a newer producer has fenced this one") \
	X(RESOURCE_NOT_FOUND, 91, "no such resource") \
	X(DUPLICATE_RESOURCE, 92, "resource named twice") \
	X(UNACCEPTABLE_CREDENTIAL, 93, "credential is not acceptable") \
	X(INCONSISTENT_VOTER_SET, 94, "voter set is not consistent") \
	X(INVALID_UPDATE_VERSION, 95, "invalid update version") \
	X(FEATURE_UPDATE_FAILED, 96, "feature update failed") \
	X(PRINCIPAL_DESERIALIZATION_FAILURE, 97, "principal cannot be read") \
	X(SNAPSHOT_NOT_FOUND, 98, "no such snapshot") \
	X(POSITION_OUT_OF_RANGE, 99, "position outside the snapshot") \
	X(UNKNOWN_TOPIC_ID, 100, "no such topic id here") \
	X(DUPLICATE_BROKER_REGISTRATION, 101, "broker id is in use") \
	X(BROKER_ID_NOT_REGISTERED, 102, "broker id is not registered") \
	X(INCONSISTENT_TOPIC_ID, 103, "topic id is not the log's") \
	X(INCONSISTENT_CLUSTER_ID, 104, "cluster id is another's") \
	X(TRANSACTIONAL_ID_NOT_FOUND, 105, "no such transactional id") \
	X(FETCH_SESSION_TOPIC_ID_ERROR, 106, "fetch session mixes topic names and ids") \
	X(INELIGIBLE_REPLICA, 107, "replica is not eligible") \
	X(NEW_LEADER_ELECTED, 108, "leader has changed") \
	X(OFFSET_MOVED_TO_TIERED_STORAGE, 109, "offset is in tiered storage") \
	X(FENCED_MEMBER_EPOCH, 110, "member epoch is fenced: leave partitions and join again") \
	X(UNRELEASED_INSTANCE_ID, 111, "another member still holds this instance id") \
	X(UNSUPPORTED_ASSIGNOR, 112, "assignor is not supported") \
	X(STALE_MEMBER_EPOCH, 113, "member epoch is stale: retry after the next heartbeat") \
	X(MISMATCHED_ENDPOINT_TYPE, 114, "endpoint is of another type") \
	X(UNSUPPORTED_ENDPOINT_TYPE, 115, "endpoint type is not supported") \
	X(UNKNOWN_CONTROLLER_ID, 116, "no such controller id") \
	X(UNKNOWN_SUBSCRIPTION_ID, 117, "no such telemetry subscription") \
	X(TELEMETRY_TOO_LARGE, 118, "telemetry larger than the broker accepts") \
	X(INVALID_REGISTRATION, 119, "invalid broker registration") \
	X(TRANSACTION_ABORTABLE, 120, "transaction must be aborted") \
	X(INVALID_RECORD_STATE, 121, "record is not in a state for this") \
	X(SHARE_SESSION_NOT_FOUND, 122, "no such share session") \
	X(INVALID_SHARE_SESSION_EPOCH, 123, "invalid share session epoch") \
	X(FENCED_STATE_EPOCH, 124, "state epoch is fenced") \
	X(INVALID_VOTER_KEY, 125, "voter key is not this replica's") \
	X(DUPLICATE_VOTER, 126, "voter exists already") \
	X(VOTER_NOT_FOUND, 127, "no such voter") \
	X(INVALID_REGULAR_EXPRESSION, 128, "invalid regular expression") \
	X(REBOOTSTRAP_REQUIRED, 129, "metadata is stale: bootstrap again") \
	X(STREAMS_INVALID_TOPOLOGY, 130, "invalid topology") \
	X(STREAMS_INVALID_TOPOLOGY_EPOCH, 131, "invalid topology epoch") \
	X(STREAMS_TOPOLOGY_FENCED, 132, "topology epoch is old") \
	X(SHARE_SESSION_LIMIT_REACHED, 133, "too many share sessions") \
	X(GROUP_DELETION_FAILED, 134, "group could not be deleted") \
	X(STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED, 135, \
		"topology description could not be updated") \
	X(CONTROLLER_ID_NOT_REGISTERED, 136, "controller id is not registered")

enum kerr {
#define X(name, code, text) KERR_##name = (code),
	KERR_CODES(X)
#undef X
};

/* "UNKNOWN_TOPIC_OR_PARTITION"; an unknown code gives "UNKNOWN_ERROR_CODE". */
const char *kerr_name(int16_t code);
/* A short sentence without capital or full stop, never NULL. */
const char *kerr_message(int16_t code);

#endif
