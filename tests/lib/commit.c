/*
 * commit - sets committed offsets of groups without members, as they stand.
 *
 *	commit GROUP TOPIC/PARTITION/OFFSET...
 *	commit -n GROUPS PREFIX TOPIC/PARTITIONS/OFFSET...
 *
 * With -n, each of the groups PREFIX-0, PREFIX-1, ... commits OFFSET on the
 * first PARTITIONS partitions. Brokers are $KC_BROKERS. Nothing is checked: an
 * offset beyond the end, or of a topic that is gone, is what tests want.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "commit: %s: %s\n", what, why);
	exit(1);
}

static rd_kafka_t *
open_handle(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	const char *brokers = getenv("KC_BROKERS");
	char why[512];
	rd_kafka_t *rk;

	if (rd_kafka_conf_set(conf, "bootstrap.servers",
	    brokers ? brokers : "localhost:9092", why, sizeof(why)))
		die("configuration", why);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!rk)
		die("handle", why);
	return rk;
}

/* TOPIC/NUMBER/OFFSET; with all, NUMBER is how many partitions. */
static void
add(rd_kafka_topic_partition_list_t *l, const char *text, int all)
{
	char topic[250];
	long long number, offset;

	if (sscanf(text, "%249[^/]/%lld/%lld", topic, &number, &offset) != 3)
		die(text, "not TOPIC/NUMBER/OFFSET");
	for (long long i = all ? 0 : number; i < (all ? number : number + 1); i++)
		rd_kafka_topic_partition_list_add(l, topic, (int32_t)i)->offset =
			offset;
}

static void
check(rd_kafka_event_t *event)
{
	const rd_kafka_group_result_t **groups;
	const rd_kafka_topic_partition_list_t *l;
	size_t n;

	if (rd_kafka_event_error(event))
		die("request", rd_kafka_event_error_string(event));
	groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
		rd_kafka_event_AlterConsumerGroupOffsets_result(event), &n);
	for (size_t i = 0; i < n; i++) {
		const rd_kafka_error_t *error = rd_kafka_group_result_error(groups[i]);

		if (error)
			die(rd_kafka_group_result_name(groups[i]),
				rd_kafka_error_string(error));
		l = rd_kafka_group_result_partitions(groups[i]);
		for (int k = 0; l && k < l->cnt; k++)
			if (l->elems[k].err)
				die(l->elems[k].topic,
					rd_kafka_err2str(l->elems[k].err));
	}
}

int
main(int argc, char **argv)
{
	rd_kafka_t *rk = open_handle();
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(64);
	int many = argc > 2 && !strcmp(argv[1], "-n"), first = many ? 3 : 1;
	long groups = many ? strtol(argv[2], NULL, 10) : 1, sent = 0, done = 0;

	if (argc < first + 2)
		die("usage", "commit [-n GROUPS] GROUP TOPIC/PARTITION/OFFSET...");
	for (int i = first + 1; i < argc; i++)
		add(l, argv[i], many);
	while (done < groups) {
		char name[256];
		rd_kafka_AlterConsumerGroupOffsets_t *alter;
		rd_kafka_event_t *event;

		for (; sent < groups && sent - done < 500; sent++) {
			if (many)
				snprintf(name, sizeof(name), "%s-%ld", argv[first],
					sent);
			alter = rd_kafka_AlterConsumerGroupOffsets_new(
				many ? name : argv[first], l);
			rd_kafka_AlterConsumerGroupOffsets(rk, &alter, 1, NULL,
				queue);
			rd_kafka_AlterConsumerGroupOffsets_destroy(alter);
		}
		event = rd_kafka_queue_poll(queue, 60000);
		if (!event)
			die("request", "no answer");
		check(event);
		rd_kafka_event_destroy(event);
		done++;
	}
	rd_kafka_topic_partition_list_destroy(l);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
	return 0;
}
