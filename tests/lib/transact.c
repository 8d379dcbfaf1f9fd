/*
 * transact - transactional load for tests/crash, through librdkafka:
 *
 *	transact BROKERS >LEDGER
 *
 * Producers 0, 1, ... write transactions to the partitions of "tx" and commit
 * or abort them at random; the mover copies what is committed to "sink", with
 * its group's offsets in the transaction. SIGTERM ends it once every
 * transaction that was begun has its end. A record's value is "PRODUCER
 * TRANSACTION NUMBER COUNT" in tx and "PARTITION OFFSET" of its source in sink.
 *
 * The ledger has a line per transaction, after its end was acknowledged:
 *
 *	commit PRODUCER TRANSACTION COUNT PARTITION:OFFSET...
 *	abort PRODUCER TRANSACTION
 *	unknown PRODUCER TRANSACTION    no reply: it may have ended either way
 *	moved PARTITION:NEXT...         committed offsets of the group "movers"
 */
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PRODUCERS = 3, PARTS = 4, COUNT_MAX = 8, MOVE_MAX = 200, WAIT_MS = 2000 };

enum ending { COMMITTED, ABORTED, UNKNOWN };

struct worker {
	const char *brokers;
	int number;             /* PRODUCERS = the mover */
	unsigned seed;
	rd_kafka_t *producer;   /* NULL = one is to be made */
	rd_kafka_t *consumer;   /* the mover's */
	long txn;
	int acked, failed;      /* records of this transaction */
	int parts[MOVE_MAX];
	int64_t offsets[MOVE_MAX];
};

static atomic_bool stopping;
static pthread_mutex_t ledger = PTHREAD_MUTEX_INITIALIZER;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "transact: %s: %s\n", what, why);
	exit(1);
}

static int
chance(struct worker *w, int n)
{
	return rand_r(&w->seed) % n;
}

static void
set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
	char why[256];

	if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		die(key, why);
}

static rd_kafka_conf_t *
common(struct worker *w)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	set(conf, "bootstrap.servers", w->brokers);
	set(conf, "reconnect.backoff.ms", "5");
	set(conf, "reconnect.backoff.max.ms", "50");
	set(conf, "log_level", "0");
	rd_kafka_conf_set_opaque(conf, w);
	return conf;
}

static void
delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct worker *w = opaque;
	size_t i = (size_t)m->_private;

	(void)rk;
	if (m->err) {
		w->failed++;
		return;
	}
	w->parts[i] = m->partition;
	w->offsets[i] = m->offset;
	w->acked++;
}

/* Who was here before under our name is fenced, and what it left is undone. */
static void
make_producer(struct worker *w)
{
	rd_kafka_conf_t *conf = common(w);
	rd_kafka_error_t *error;
	char id[32], why[256];

	snprintf(id, sizeof(id), "crash-%d", w->number);
	set(conf, "transactional.id", id);
	set(conf, "transaction.timeout.ms", "20000");
	set(conf, "retry.backoff.ms", "10");
	set(conf, "linger.ms", "1");
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	w->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!w->producer)
		die("producer", why);
	while ((error = rd_kafka_init_transactions(w->producer, WAIT_MS))) {
		bool again = rd_kafka_error_is_retriable(error);

		if (!again)
			die("init_transactions", rd_kafka_error_string(error));
		rd_kafka_error_destroy(error);
	}
}

static void
begin(struct worker *w)
{
	rd_kafka_error_t *error;

	if (!w->producer)
		make_producer(w);
	w->txn++;
	w->acked = w->failed = 0;
	error = rd_kafka_begin_transaction(w->producer);
	if (error)
		die("begin_transaction", rd_kafka_error_string(error));
}

static void
produce(struct worker *w, const char *topic, int32_t partition, int i,
	const char *value)
{
	rd_kafka_vu_t v[] = {
		{ .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic },
		{ .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition },
		{ .vtype = RD_KAFKA_VTYPE_VALUE,
			.u.mem = { (void *)(uintptr_t)value, strlen(value) } },
		{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
		{ .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)i },
	};
	rd_kafka_error_t *error = rd_kafka_produceva(w->producer, v,
		sizeof(v) / sizeof(v[0]));

	if (error) {
		rd_kafka_error_destroy(error);
		w->failed++;
	}
}

/* What is to be done about an error: 1 = again, 0 = abort, -1 = a new producer. */
static int
judge(rd_kafka_error_t *error)
{
	int r = rd_kafka_error_is_fatal(error) ? -1 :
		rd_kafka_error_txn_requires_abort(error) ? 0 :
		rd_kafka_error_is_retriable(error) ? 1 : -1;

	rd_kafka_error_destroy(error);
	return r;
}

/*
 * A commit is of records that were acknowledged. An abort may take some out
 * of their retries: librdkafka 2.0 gives their sequence numbers to records of
 * the next transaction, which must not pass for duplicates.
 */
static enum ending
end(struct worker *w, bool commit)
{
	rd_kafka_error_t *error;
	int next = 1;

	while ((commit || chance(w, 2)) && rd_kafka_flush(w->producer, WAIT_MS))
		;
	while (commit && next == 1) {
		error = rd_kafka_commit_transaction(w->producer, WAIT_MS);
		if (!error)
			return COMMITTED;
		next = judge(error);
	}
	for (next = next < 0 ? -1 : 1; next >= 0; ) {
		error = rd_kafka_abort_transaction(w->producer, WAIT_MS);
		if (!error)
			return ABORTED;
		next = judge(error);
	}
	rd_kafka_destroy(w->producer);
	w->producer = NULL;
	return UNKNOWN;
}

/* ---- those who write -------------------------------------------------------- */

static void *
write_all(void *arg)
{
	static const char *const words[] = { "commit", "abort", "unknown" };
	struct worker *w = arg;
	char value[80 + 300];

	while (!stopping) {
		int count = 1 + chance(w, COUNT_MAX);
		enum ending how;

		begin(w);
		for (int i = 0; i < count; i++) {
			snprintf(value, sizeof(value), "%d %ld %d %d %0*d", w->number,
				w->txn, i, count, 1 + chance(w, 300), 0);
			produce(w, "tx", chance(w, PARTS), i, value);
			rd_kafka_poll(w->producer, chance(w, 4) ? 0 : chance(w, 10));
		}
		how = end(w, chance(w, 4) && !w->failed);
		if (how == COMMITTED && w->acked != count)
			die("commit", "not all records were acknowledged");
		pthread_mutex_lock(&ledger);
		printf("%s %d %ld", words[how], w->number, w->txn);
		if (how == COMMITTED)
			printf(" %d", count);
		for (int i = 0; how == COMMITTED && i < count; i++)
			printf(" %d:%lld", w->parts[i], (long long)w->offsets[i]);
		printf("\n");
		pthread_mutex_unlock(&ledger);
	}
	if (w->producer)
		rd_kafka_destroy(w->producer);
	return NULL;
}

/* ---- the one who moves -------------------------------------------------------- */

static void
make_consumer(struct worker *w)
{
	rd_kafka_conf_t *conf = common(w);
	char why[256];

	set(conf, "group.id", "movers");
	set(conf, "enable.auto.commit", "false");
	set(conf, "auto.offset.reset", "earliest");
	set(conf, "isolation.level", "read_committed");
	set(conf, "fetch.wait.max.ms", "50");
	set(conf, "fetch.error.backoff.ms", "10");
	w->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!w->consumer)
		die("consumer", why);
	rd_kafka_poll_set_consumer(w->consumer);
}

static void
end_consumer(struct worker *w)
{
	rd_kafka_consumer_close(w->consumer);
	rd_kafka_destroy(w->consumer);
}

/*
 * Goes on where the group's committed offsets are: with a new consumer, as
 * librdkafka 2.0 may fail an assertion when one is assigned partitions while
 * it still stops to fetch them.
 */
static void
go_back(struct worker *w)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTS);

	if (w->consumer)
		end_consumer(w);
	make_consumer(w);
	for (int i = 0; i < PARTS; i++)
		rd_kafka_topic_partition_list_add(list, "tx", i);
	while (rd_kafka_committed(w->consumer, list, WAIT_MS))
		if (stopping)
			goto out;
	for (int i = 0; i < list->cnt; i++)
		if (list->elems[i].offset < 0)
			list->elems[i].offset = 0;
	rd_kafka_assign(w->consumer, list);
out:
	rd_kafka_topic_partition_list_destroy(list);
}

/* Copies what there is; *next gets the offsets behind it, -1 = none. */
static int
copy(struct worker *w, int64_t *next)
{
	rd_kafka_message_t *m;
	char value[64];
	int n = 0;

	for (int i = 0; i < PARTS; i++)
		next[i] = -1;
	while (n < MOVE_MAX && (m = rd_kafka_consumer_poll(w->consumer, n ? 2 : 50))) {
		if (!m->err) {
			if (!n)
				begin(w);
			snprintf(value, sizeof(value), "%d %lld", m->partition,
				(long long)m->offset);
			produce(w, "sink", m->partition, n++, value);
			next[m->partition] = m->offset + 1;
		}
		rd_kafka_message_destroy(m);
	}
	return n;
}

static bool
send_offsets(struct worker *w, const int64_t *next)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTS);
	rd_kafka_consumer_group_metadata_t *group =
		rd_kafka_consumer_group_metadata(w->consumer);
	rd_kafka_error_t *error;
	int r = 1;

	for (int i = 0; i < PARTS; i++)
		if (next[i] >= 0)
			rd_kafka_topic_partition_list_add(list, "tx", i)->offset = next[i];
	while (r == 1 && (error = rd_kafka_send_offsets_to_transaction(w->producer,
			list, group, WAIT_MS)))
		r = judge(error);
	rd_kafka_consumer_group_metadata_destroy(group);
	rd_kafka_topic_partition_list_destroy(list);
	return r == 1;
}

static void *
move_all(void *arg)
{
	struct worker *w = arg;
	int64_t next[PARTS];

	go_back(w);
	while (!stopping) {
		if (!copy(w, next))
			continue;
		if (end(w, send_offsets(w, next) && chance(w, 4) && !w->failed) !=
		    COMMITTED) {
			go_back(w);
			continue;
		}
		pthread_mutex_lock(&ledger);
		printf("moved");
		for (int i = 0; i < PARTS; i++)
			if (next[i] >= 0)
				printf(" %d:%lld", i, (long long)next[i]);
		printf("\n");
		pthread_mutex_unlock(&ledger);
	}
	end_consumer(w);
	if (w->producer)
		rd_kafka_destroy(w->producer);
	return NULL;
}

int
main(int argc, char **argv)
{
	static struct worker workers[PRODUCERS + 1];
	pthread_t threads[PRODUCERS + 1];
	sigset_t ends;
	int got;

	if (argc != 2) {
		fprintf(stderr, "usage: transact BROKERS\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* tests/crash looks into it */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	for (int i = 0; i <= PRODUCERS; i++) {
		workers[i] = (struct worker){ .brokers = argv[1], .number = i,
			.seed = (unsigned)time(NULL) + (unsigned)i };
		if (pthread_create(&threads[i], NULL, i < PRODUCERS ? write_all :
				move_all, &workers[i]))
			die("pthread_create", "failed");
	}
	sigwait(&ends, &got);
	stopping = true;
	for (int i = 0; i <= PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	return fflush(stdout) ? 1 : 0;
}
