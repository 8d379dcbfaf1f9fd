/*
 * error.c - librdkafka's and the broker's error codes as ours: a class that
 * decides the exit status, a sentence, a remedy. A row a code.
 */
#include <stdbool.h>
#include <string.h>

#include "kafka/cause.h"
#include "kafka/handle.h"

#define K(name) RD_KAFKA_RESP_ERR_##name

static const struct row {
	rd_kafka_resp_err_t code;
	enum err_code ours;
	const char *text;   /* NULL = librdkafka's */
	const char *remedy; /* or NULL */
} rows[] = {
	{ K(UNKNOWN_TOPIC_OR_PART), ERR_NOT_FOUND, "topic or partition does not exist",
		"kc-topics lists what is there, kc-topics create makes one" },
	{ K(_UNKNOWN_TOPIC), ERR_NOT_FOUND, "topic does not exist",
		"kc-topics lists what is there, kc-topics create makes one" },
	{ K(_UNKNOWN_PARTITION), ERR_NOT_FOUND, "partition does not exist",
		"kc-topics show TOPIC lists them" },
	{ K(TOPIC_EXCEPTION), ERR_USAGE, "illegal topic name",
		"1 to 249 of letters, digits, '.', '_', '-'" },
	{ K(TOPIC_ALREADY_EXISTS), ERR_EXISTS, "topic exists already",
		"--if-not-exists accepts that" },
	{ K(MSG_SIZE_TOO_LARGE), ERR_FORMAT, "record is larger than the topic allows",
		"see its config max.message.bytes" },
	{ K(RECORD_LIST_TOO_LARGE), ERR_FORMAT, "batch is larger than the topic's segments",
		"see its config segment.bytes" },
	{ K(INVALID_TIMESTAMP), ERR_FORMAT, "timestamp is outside of what the topic allows",
		"see its configs message.timestamp.*" },
	{ K(INVALID_RECORD), ERR_FORMAT, "the broker does not accept the record",
		"a compacted topic needs a key" },
	{ K(INVALID_REPLICATION_FACTOR), ERR_FAILED, "invalid replication factor", NULL },
	{ K(INVALID_PARTITIONS), ERR_FAILED, "invalid number of partitions", NULL },
	{ K(INVALID_CONFIG), ERR_FAILED, "invalid configuration", NULL },
	{ K(POLICY_VIOLATION), ERR_FAILED, "refused by the cluster's policy", NULL },
	{ K(UNSUPPORTED_VERSION), ERR_UNSUPPORTED, "the broker does not know this request", NULL },
	{ K(_UNSUPPORTED_FEATURE), ERR_UNSUPPORTED, "the broker cannot do that", NULL },
	{ K(TOPIC_DELETION_DISABLED), ERR_FAILED, "the broker does not allow to delete topics",
		"see its config delete.topic.enable" },
	{ K(NOT_ENOUGH_REPLICAS), ERR_TEMPORARY, "too few replicas are in sync", "run it again later" },
	{ K(NOT_ENOUGH_REPLICAS_AFTER_APPEND), ERR_TEMPORARY, "too few replicas are in sync",
		"run it again later" },
	{ K(NOT_LEADER_FOR_PARTITION), ERR_TEMPORARY, "the partition's leader has moved",
		"run it again later" },
	{ K(LEADER_NOT_AVAILABLE), ERR_TEMPORARY, "partition has no leader", "run it again later" },
	{ K(COORDINATOR_NOT_AVAILABLE), ERR_TEMPORARY, NULL, "run it again later" },
	{ K(COORDINATOR_LOAD_IN_PROGRESS), ERR_TEMPORARY, NULL, "run it again later" },
	{ K(NOT_COORDINATOR), ERR_TEMPORARY, NULL, "run it again later" },
	{ K(UNSTABLE_OFFSET_COMMIT), ERR_TEMPORARY,
		"an open transaction is about to commit offsets", "run it again later" },
	{ K(GROUP_ID_NOT_FOUND), ERR_NOT_FOUND, "group does not exist",
		"kc-lag lists what is there" },
	{ K(INVALID_GROUP_ID), ERR_USAGE, "illegal group name", NULL },
	{ K(NON_EMPTY_GROUP), ERR_REFUSED, "the group has members",
		"stop them first; kc-lag members GROUP names them" },
	{ K(REQUEST_TIMED_OUT), ERR_TEMPORARY, "the broker did not finish in time", "raise --timeout" },
	{ K(KAFKA_STORAGE_ERROR), ERR_FAILED, "the broker's disk failed", "see its log" },
	{ K(TOPIC_AUTHORIZATION_FAILED), ERR_REFUSED, "not authorised for the topic", NULL },
	{ K(GROUP_AUTHORIZATION_FAILED), ERR_REFUSED, "not authorised for the group", NULL },
	{ K(CLUSTER_AUTHORIZATION_FAILED), ERR_REFUSED, "not authorised for the cluster", NULL },
	{ K(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), ERR_REFUSED,
		"not authorised for the transactional id", NULL },
	{ K(SASL_AUTHENTICATION_FAILED), ERR_REFUSED, "authentication failed", NULL },
	{ K(_AUTHENTICATION), ERR_REFUSED, "authentication failed", NULL },
	{ K(INVALID_PRODUCER_EPOCH), ERR_REFUSED, "fenced by another producer", NULL },
	{ K(PRODUCER_FENCED), ERR_REFUSED, "fenced by another producer", NULL },
	{ K(_FENCED), ERR_REFUSED, "fenced by another run",
		"a newer one with the same transactional id has taken over, or this "
		"one stood still for longer than transaction.timeout.ms" },
	{ K(_PURGE_QUEUE), ERR_TEMPORARY, "not sent", "run it again" },
	{ K(_PURGE_INFLIGHT), ERR_TEMPORARY, "sent, but not acknowledged",
		"it may have been written" },
	{ K(_MSG_TIMED_OUT), ERR_TEMPORARY, "not acknowledged in time", "raise --timeout?" },
	{ K(_TIMED_OUT), ERR_TEMPORARY, "no answer in time", "raise --timeout?" },
};

/* What ACLs must allow, by who was refused what; DESCRIBE and the like come with it. */
static const struct {
	rd_kafka_resp_err_t code;
	int kinds;
	const char *right;
} rights[] = {
	{ K(TOPIC_AUTHORIZATION_FAILED), 1 << CLIENT_PRODUCER, "it needs WRITE" },
	{ K(TOPIC_AUTHORIZATION_FAILED), 1 << CLIENT_CONSUMER, "it needs READ" },
	{ K(GROUP_AUTHORIZATION_FAILED), 1 << CLIENT_PRODUCER | 1 << CLIENT_CONSUMER,
		"it needs READ" },
	{ K(GROUP_AUTHORIZATION_FAILED), 1 << CLIENT_OFFSETS, "it needs DESCRIBE" },
	{ K(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), 1 << CLIENT_PRODUCER,
		"it needs WRITE" },
	{ K(CLUSTER_AUTHORIZATION_FAILED), 1 << CLIENT_PRODUCER,
		"it needs IDEMPOTENT_WRITE, or WRITE on some topic" },
};

/* NULL = not known, or another error. */
static const char *
right_of(const struct client *c, rd_kafka_resp_err_t code)
{
	for (size_t i = 0; i < sizeof(rights) / sizeof(*rights); i++)
		if (rights[i].code == code && rights[i].kinds & 1 << client_kind(c))
			return rights[i].right;
	return NULL;
}

/* Says only that nothing came: the log knows why. */
static bool
is_silence(rd_kafka_resp_err_t code)
{
	return code == K(_TRANSPORT) || code == K(_ALL_BROKERS_DOWN) ||
		code == K(_RESOLVE) || code == K(_TIMED_OUT) ||
		code == K(_TIMED_OUT_QUEUE) || code == K(_MSG_TIMED_OUT);
}

static const struct row *
find(rd_kafka_resp_err_t code)
{
	static const struct row other = { 0, ERR_FAILED, NULL, NULL };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].code == code)
			return &rows[i];
	return &other;
}

bool
client_is_unled(rd_kafka_resp_err_t code)
{
	return code == K(NOT_LEADER_FOR_PARTITION) ||
		code == K(LEADER_NOT_AVAILABLE) ||
		code == K(OFFSET_NOT_AVAILABLE) ||
		code == K(UNKNOWN_TOPIC_OR_PART) || code == K(KAFKA_STORAGE_ERROR);
}

int
client_error(struct client *c, rd_kafka_resp_err_t code, const char *detail,
	struct err *e)
{
	const struct row *row = find(code);
	const char *text = row->text ? row->text : rd_kafka_err2str(code);
	const char *remedy;
	struct cause cause;

	if (is_silence(code)) {
		client_cause(c, &cause);
		if (cause.kind != CAUSE_NONE)
			return cause_error(&cause, e);
		if (!row->text)
			row = find(K(_TIMED_OUT));
		text = row->text;
	}
	if (!strncmp(text, "Broker: ", 8))
		text += 8;
	/* Where we know a remedy, the broker's words only repeat the code. */
	remedy = row->remedy ? row->remedy : right_of(c, code);
	if (remedy)
		return err_set(e, row->ours, "%s (%s)", text, remedy);
	if (detail && *detail && strcmp(detail, rd_kafka_err2str(code)))
		return err_set(e, row->ours, "%s: %s", text, detail);
	return err_set(e, row->ours, "%s", text);
}
