/*
 * broker-load - one client for every broker of tests/bench/broker. What it
 * prints is a measurement, ms or seconds.
 *
 *	start HOST PORT TOPIC LOG COMMAND...
 *		runs it in the background with its words in LOG: "MS PID" once
 *		Metadata names a leader for partition 0 of TOPIC, or with "-"
 *		once Metadata is answered
 *	topic SERVERS TOPIC PARTITIONS
 *		makes a topic
 *	produce SERVERS TOPIC COUNT SIZE [unkeyed]
 *		as fast as it goes, acks=all, linger 5 ms, each record for the
 *		next partition, or unkeyed: librdkafka's partitioner chooses,
 *		as for every program that names none. "SECONDS CPU", the second
 *		its own
 *	frames HOST PORT TOPIC PARTITIONS COUNT SIZE RECORDS
 *		the same without a client's work: Produce requests made
 *		beforehand, each with a batch of so many records for the next
 *		partition, 256 in flight on one connection: "SECONDS"
 *	rate SERVERS TOPIC RATE SECONDS SIZE
 *		at a fixed rate, acks=all, linger 0: "P50 P99 P99.9 MAX" ms from
 *		when a message was due to its report
 *	consume SERVERS TOPIC COUNT
 *		every partition from its beginning: "SECONDS CPU"
 *	txns SERVERS TOPIC SECONDS RECORDS
 *		transactions of so many records of 100 bytes: "PER-SECOND"
 *	idle HOST PORT COUNT
 *		so many connections, "ready", held until stdin ends
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

enum { WAIT_MS = 120000 };

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Of this process so far, in seconds. */
static double
own_cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
		(double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "broker-load: %s: %s\n", what, why);
	exit(1);
}

static long
number(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (*end || end == s || n < 0)
		die(s, "not a number");
	return n;
}

/* ---- without a client: starting, idle connections ---------------------------- */

static int
dial(const char *host, const char *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)number(port)) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (s < 0 || inet_pton(AF_INET, host, &sa.sin_addr) != 1)
		die(host, "no IPv4 address");
	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return s;
	close(s);
	return -1;
}

static bool
read_fully(int s, uint8_t *p, size_t n)
{
	ssize_t r;

	for (; n; p += r, n -= (size_t)r)
		if ((r = read(s, p, n)) <= 0)
			return false;
	return true;
}

static uint32_t
be(const uint8_t *p, size_t width)
{
	uint32_t v = 0;

	while (width--)
		v = v << 8 | *p++;
	return v;
}

/* Metadata v0 of one topic, or of all for "-": has partition 0 a leader? */
static bool
has_leader(int s, const char *topic)
{
	uint8_t f[512] = { 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 1, 0, 1, 'b' };
	static uint8_t reply[1 << 20];
	bool any = !strcmp(topic, "-");
	size_t n = strlen(topic), len = any ? 19 : 21 + n, size;
	const uint8_t *p = reply + 8, *end;

	if (n > 249)
		die(topic, "too long");
	f[3] = (uint8_t)(len - 4);
	if (!any) {
		f[18] = 1;
		f[20] = (uint8_t)n;
		memcpy(f + 21, topic, n);
	}
	if (write(s, f, len) != (ssize_t)len || !read_fully(s, reply, 4))
		return false;
	size = be(reply, 4);
	if (size > sizeof(reply) - 4 || size < 12 || !read_fully(s, reply + 4, size))
		return false;
	if (any)
		return true;
	end = reply + 4 + size;
	/* brokers {id i32, host string, port i32},
	 * topics {error i16, name string, partitions {error i16, id i32,
	 * leader i32, replicas i32[], isr i32[]}} */
	for (uint32_t brokers = be(p, 4), i = (p += 4, 0); i < brokers; i++)
		p += 4 + 2 + be(p + 4, 2) + 4;
	if (be(p, 4) != 1 || be(p + 4, 2) != 0)
		return false;
	p += 4 + 2 + 2 + be(p + 6, 2);
	if (p + 18 > end || be(p, 4) < 1)
		return false;
	for (uint32_t parts = be(p, 4), i = (p += 4, 0); i < parts && p + 18 <= end; i++) {
		if (be(p + 2, 4) == 0)
			return be(p, 2) == 0 && be(p + 6, 4) != UINT32_MAX;
		p += 10;
		p += 4 + 4 * be(p, 4);
		p += 4 + 4 * be(p, 4);
	}
	return false;
}

static int
start(int argc, char **argv)
{
	const char *host = argv[0], *port = argv[1], *topic = argv[2];
	struct timespec pause = { .tv_nsec = 200000 };
	int64_t t0 = now_us();
	pid_t pid = fork();
	int s = -1;

	(void)argc;
	if (pid < 0)
		die("fork", strerror(errno));
	if (!pid) {
		int log = open(argv[3], O_WRONLY | O_CREAT | O_APPEND, 0600);

		if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
			_exit(126);
		setsid();
		execvp(argv[4], argv + 4);
		_exit(127);
	}
	while (now_us() - t0 < WAIT_MS * 1000LL) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			die(argv[4], "ended");
		if (s < 0)
			s = dial(host, port);
		if (s >= 0 && has_leader(s, topic)) {
			printf("%.1f %d\n", (double)(now_us() - t0) / 1e3, (int)pid);
			return 0;
		}
		nanosleep(&pause, NULL);
	}
	kill(pid, 9);
	die(argv[4], "did not answer");
	return 1;
}

static int
idle(int argc, char **argv)
{
	struct rlimit many = { .rlim_cur = 4096, .rlim_max = 4096 };
	long n = number(argv[2]);
	char c;

	(void)argc;
	setrlimit(RLIMIT_NOFILE, &many);
	while (n--) {
		int s = dial(argv[0], argv[1]);

		if (s < 0 || !has_leader(s, "-"))
			die("connection", "not answered");
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}

/* Bytes that don't compress to nothing, and the same for every broker. */
static char *
payload(size_t size)
{
	char *p = malloc(size + 1);
	uint32_t x = 2463534242;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13, x ^= x >> 17, x ^= x << 5;
		p[i] = (char)('a' + x % 26);
	}
	return p;
}

/* ---- requests made beforehand -------------------------------------------------- */

enum { FRAMES_IN_FLIGHT = 256, PRODUCE_VERSION = 7 };

struct bytes {
	uint8_t *p;
	size_t n;
};

static void
put(struct bytes *b, uint64_t v, size_t width)
{
	while (width--)
		b->p[b->n++] = (uint8_t)(v >> 8 * width);
}

/* Zig-zag, of what is not negative. */
static void
put_varint(struct bytes *b, uint32_t v)
{
	for (v <<= 1; v >= 0x80; v >>= 7)
		b->p[b->n++] = (uint8_t)(v | 0x80);
	b->p[b->n++] = (uint8_t)v;
}

static uint32_t
crc32c(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* Record batch v2 (KIP-98), without keys and headers. */
static void
put_batch(struct bytes *b, long records, const char *value, size_t size)
{
	size_t start = b->n, len;
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	put(b, 0, 8 + 4 + 4);    /* offset, length, leader epoch */
	put(b, 2, 1);
	put(b, 0, 4 + 2);        /* checksum, attributes */
	put(b, (uint64_t)records - 1, 4);
	put(b, now, 8);
	put(b, now, 8);
	put(b, UINT64_MAX, 8);   /* no producer */
	put(b, UINT64_MAX, 2);
	put(b, UINT64_MAX, 4);
	put(b, (uint64_t)records, 4);
	for (long i = 0; i < records; i++) {
		struct bytes tail = { b->p + b->n + 8, 0 };

		put_varint(&tail, (uint32_t)i);
		put(&tail, 1, 1); /* null key */
		put_varint(&tail, (uint32_t)size);
		len = 2 + tail.n + size + 1;
		put_varint(b, (uint32_t)len);
		put(b, 0, 2);     /* attributes, timestamp */
		memmove(b->p + b->n, tail.p, tail.n);
		b->n += tail.n;
		memcpy(b->p + b->n, value, size);
		b->n += size;
		put(b, 0, 1);     /* headers */
	}
	len = b->n;
	b->n = start + 8;
	put(b, len - start - 12, 4);
	b->n = start + 17;
	put(b, crc32c(b->p + start + 21, len - start - 21), 4);
	b->n = len;
}

static void
put_produce(struct bytes *b, const char *topic, long partition, long records,
	const char *value, size_t size)
{
	size_t start = b->n, batch, end;

	put(b, 0, 4 + 2);
	put(b, PRODUCE_VERSION, 2);
	put(b, (uint64_t)partition, 4); /* correlation */
	put(b, UINT64_MAX, 2 + 2);      /* no client id, no transaction */
	put(b, UINT64_MAX, 2);          /* acks=all */
	put(b, WAIT_MS, 4);
	put(b, 1, 4);
	put(b, strlen(topic), 2);
	memcpy(b->p + b->n, topic, strlen(topic));
	b->n += strlen(topic);
	put(b, 1, 4);
	put(b, (uint64_t)partition, 4);
	batch = b->n += 4;
	put_batch(b, records, value, size);
	end = b->n;
	b->n = batch - 4;
	put(b, end - batch, 4);
	b->n = start;
	put(b, end - start - 4, 4);
	b->n = end;
}

/* The error code in the reply to one of them. */
static int
reply_error(int s, const char *topic)
{
	static uint8_t reply[1024];
	size_t at = 4 + 4 + 2 + strlen(topic) + 4 + 4, size;

	if (!read_fully(s, reply, 4) || (size = be(reply, 4)) > sizeof(reply) ||
	    size < at + 2 || !read_fully(s, reply, size))
		die(topic, "no reply");
	return (int)be(reply + at, 2);
}

static void
send_all(int s, const uint8_t *p, size_t n)
{
	ssize_t w;

	for (; n; p += w, n -= (size_t)w)
		if ((w = write(s, p, n)) <= 0)
			die("connection", "broken off");
}

/* A topic that was made just now has no leaders yet, says Apache Kafka. */
static void
send_first(int s, const char *topic, const struct bytes *frame)
{
	struct timespec pause = { .tv_nsec = 10000000 };

	for (int tries = 0; tries < 1000; tries++) {
		send_all(s, frame->p, frame->n);
		if (!reply_error(s, topic))
			return;
		nanosleep(&pause, NULL);
	}
	die(topic, "a batch is refused");
}

static int
frames(int argc, char **argv)
{
	const char *topic = argv[2];
	long partitions = number(argv[3]), records = number(argv[6]);
	long sent = 0, taken = 0, count;
	size_t size = (size_t)number(argv[5]);
	size_t most = 256 + (size_t)records * (size + 32);
	struct bytes *all = calloc((size_t)partitions, sizeof(*all));
	char *value = payload(size);
	int64_t t0;
	int s = dial(argv[0], argv[1]);

	(void)argc;
	if (s < 0 || !records || !partitions || strlen(topic) > 249)
		die("frames", s < 0 ? "cannot connect" : "nothing to send");
	count = (number(argv[4]) + records - 1) / records;
	for (long i = 0; i < partitions; i++) {
		all[i].p = malloc(most + 512);
		put_produce(&all[i], topic, i, records, value, size);
		send_first(s, topic, &all[i]);
	}
	t0 = now_us();
	while (taken < count) {
		if (sent < count && sent - taken < FRAMES_IN_FLIGHT) {
			send_all(s, all[sent % partitions].p, all[sent % partitions].n);
			sent++;
		} else {
			if (reply_error(s, topic))
				die(topic, "a batch was refused");
			taken++;
		}
	}
	printf("%.3f\n", (double)(now_us() - t0) / 1e6);
	for (long i = 0; i < partitions; i++)
		free(all[i].p);
	free(all);
	free(value);
	return 0;
}

/* ---- with librdkafka ------------------------------------------------------------ */

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[256];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		die(name, why);
}

static rd_kafka_t *
client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
	char why[256];
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));

	if (!rk)
		die("client", why);
	return rk;
}

struct reports {
	int64_t *latency; /* us, in the order of the reports; NULL when nobody wants them */
	long n;
};

static void
on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct reports *r = opaque;

	(void)rk;
	if (m->err)
		die("produce", rd_kafka_err2str(m->err));
	if (r->latency)
		r->latency[r->n] = now_us() - (int64_t)(intptr_t)m->_private;
	r->n++;
}

static rd_kafka_conf_t *
producer_conf(const char *servers, const char *linger, struct reports *r)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	set(conf, "bootstrap.servers", servers);
	set(conf, "acks", "all");
	set(conf, "linger.ms", linger);
	set(conf, "queue.buffering.max.messages", "500000");
	set(conf, "queue.buffering.max.kbytes", "262144");
	set(conf, "message.timeout.ms", "120000");
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rd_kafka_conf_set_opaque(conf, r);
	return conf;
}

static long
partitions_of(rd_kafka_t *rk, rd_kafka_topic_t *rkt)
{
	const struct rd_kafka_metadata *md;
	long n;

	for (int tries = 0; tries < 100; tries++) {
		if (rd_kafka_metadata(rk, 0, rkt, &md, 10000))
			continue;
		n = md->topics[0].err ? 0 : md->topics[0].partition_cnt;
		rd_kafka_metadata_destroy(md);
		if (n)
			return n;
		rd_kafka_poll(rk, 50);
	}
	die(rd_kafka_topic_name(rkt), "no partitions");
	return 0;
}

static void
send_one(rd_kafka_t *rk, rd_kafka_topic_t *rkt, int32_t partition,
	const char *p, size_t size, int64_t due)
{
	while (rd_kafka_produce(rkt, partition, RD_KAFKA_MSG_F_COPY,
			(void *)(uintptr_t)p, size, NULL, 0,
			(void *)(intptr_t)due) < 0) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("produce", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(rk, 10);
	}
}

static int
make_topic(int argc, char **argv)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(argv[1], (int)number(argv[2]), 1, NULL, 0);
	const rd_kafka_topic_result_t **results;
	rd_kafka_queue_t *q;
	rd_kafka_event_t *ev;
	rd_kafka_t *rk;
	size_t n;

	(void)argc;
	set(conf, "bootstrap.servers", argv[0]);
	rk = client(RD_KAFKA_PRODUCER, conf);
	q = rd_kafka_queue_new(rk);
	rd_kafka_CreateTopics(rk, &t, 1, NULL, q);
	ev = rd_kafka_queue_poll(q, WAIT_MS);
	if (!ev || rd_kafka_event_error(ev))
		die(argv[1], ev ? rd_kafka_event_error_string(ev) : "no answer");
	results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
	if (n != 1 || rd_kafka_topic_result_error(results[0]))
		die(argv[1], n ? rd_kafka_topic_result_error_string(results[0]) : "no result");
	rd_kafka_event_destroy(ev);
	rd_kafka_NewTopic_destroy(t);
	rd_kafka_queue_destroy(q);
	rd_kafka_destroy(rk);
	return 0;
}

static int
produce(int argc, char **argv)
{
	long count = number(argv[2]), partitions;
	size_t size = (size_t)number(argv[3]);
	struct reports r = { 0 };
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, producer_conf(argv[0], "5", &r));
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, argv[1], NULL);
	char *p = payload(size);
	bool unkeyed = argc > 4 && !strcmp(argv[4], "unkeyed");
	double cpu;
	int64_t t0;

	partitions = partitions_of(rk, rkt);
	t0 = now_us();
	cpu = own_cpu();
	for (long i = 0; i < count; i++) {
		send_one(rk, rkt, unkeyed ? RD_KAFKA_PARTITION_UA : (int32_t)(i % partitions),
			p, size, 0);
		if (i % 1024 == 0)
			rd_kafka_poll(rk, 0);
	}
	rd_kafka_flush(rk, WAIT_MS);
	if (r.n != count)
		die(argv[1], "not every message was acknowledged");
	printf("%.3f %.3f\n", (double)(now_us() - t0) / 1e6, own_cpu() - cpu);
	rd_kafka_topic_destroy(rkt);
	rd_kafka_destroy(rk);
	free(p);
	return 0;
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Open loop: a message is due at its time, however late the ones before it
 * are, and its latency counts from there. */
static int
rate(int argc, char **argv)
{
	long per_second = number(argv[2]), count = per_second * number(argv[3]), partitions;
	size_t size = (size_t)number(argv[4]);
	struct reports r = { .latency = calloc((size_t)count + 1, sizeof(*r.latency)) };
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, producer_conf(argv[0], "0", &r));
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, argv[1], NULL);
	char *p = payload(size);
	int64_t t0;

	(void)argc;
	partitions = partitions_of(rk, rkt);
	t0 = now_us();
	for (long i = 0; i < count; i++) {
		int64_t due = t0 + i * 1000000 / per_second, left;

		while ((left = due - now_us()) > 0)
			rd_kafka_poll(rk, left > 1000 ? (int)(left / 1000) : 0);
		send_one(rk, rkt, (int32_t)(i % partitions), p, size, due);
		rd_kafka_poll(rk, 0);
	}
	rd_kafka_flush(rk, WAIT_MS);
	if (r.n != count)
		die(argv[1], "not every message was acknowledged");
	qsort(r.latency, (size_t)count, sizeof(*r.latency), by_value);
	printf("%.2f %.2f %.2f %.2f\n", (double)r.latency[count / 2] / 1e3,
		(double)r.latency[count * 99 / 100] / 1e3,
		(double)r.latency[count * 999 / 1000] / 1e3,
		(double)r.latency[count - 1] / 1e3);
	rd_kafka_topic_destroy(rkt);
	rd_kafka_destroy(rk);
	free(r.latency);
	free(p);
	return 0;
}

static int
consume(int argc, char **argv)
{
	long count = number(argv[2]), got = 0, partitions;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(64);
	rd_kafka_message_t **batch = calloc(10000, sizeof(*batch));
	rd_kafka_topic_t *rkt;
	rd_kafka_queue_t *q;
	rd_kafka_t *rk;
	int64_t t0, deadline;
	double cpu;

	(void)argc;
	set(conf, "bootstrap.servers", argv[0]);
	set(conf, "group.id", "unused");
	set(conf, "enable.auto.commit", "false");
	/* librdkafka 2.0.2 sleeps for a second whenever this is full */
	set(conf, "queued.min.messages", "1000000");
	set(conf, "queued.max.messages.kbytes", "262144");
	rk = client(RD_KAFKA_CONSUMER, conf);
	rkt = rd_kafka_topic_new(rk, argv[1], NULL);
	partitions = partitions_of(rk, rkt);
	rd_kafka_poll_set_consumer(rk);
	for (int32_t p = 0; p < partitions; p++)
		rd_kafka_topic_partition_list_add(all, argv[1], p)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	t0 = now_us();
	cpu = own_cpu();
	deadline = t0 + WAIT_MS * 1000LL;
	rd_kafka_assign(rk, all);
	q = rd_kafka_queue_get_consumer(rk);
	while (got < count && now_us() < deadline) {
		ssize_t n = rd_kafka_consume_batch_queue(q, 20, batch, 10000);

		for (ssize_t i = 0; i < n; i++) {
			got += !batch[i]->err;
			rd_kafka_message_destroy(batch[i]);
		}
	}
	if (got < count)
		die(argv[1], "not all messages came");
	printf("%.3f %.3f\n", (double)(now_us() - t0) / 1e6, own_cpu() - cpu);
	rd_kafka_queue_destroy(q);
	rd_kafka_topic_partition_list_destroy(all);
	rd_kafka_topic_destroy(rkt);
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	free(batch);
	return 0;
}

static void
must(rd_kafka_error_t *e, const char *what)
{
	if (e)
		die(what, rd_kafka_error_string(e));
}

static int
txns(int argc, char **argv)
{
	long seconds = number(argv[2]), records = number(argv[3]), partitions, done = 0;
	struct reports r = { 0 };
	rd_kafka_conf_t *conf = producer_conf(argv[0], "0", &r);
	rd_kafka_topic_t *rkt;
	rd_kafka_t *rk;
	char *p = payload(100);
	int64_t t0;

	(void)argc;
	set(conf, "message.timeout.ms", "60000");
	set(conf, "transactional.id", argv[1]);
	rk = client(RD_KAFKA_PRODUCER, conf);
	must(rd_kafka_init_transactions(rk, 60000), "init_transactions");
	rkt = rd_kafka_topic_new(rk, argv[1], NULL);
	partitions = partitions_of(rk, rkt);
	t0 = now_us();
	for (; now_us() - t0 < seconds * 1000000; done++) {
		must(rd_kafka_begin_transaction(rk), "begin_transaction");
		for (long i = 0; i < records; i++)
			send_one(rk, rkt, (int32_t)(i % partitions), p, 100, 0);
		must(rd_kafka_commit_transaction(rk, 60000), "commit_transaction");
	}
	printf("%.1f\n", (double)done * 1e6 / (double)(now_us() - t0));
	rd_kafka_topic_destroy(rkt);
	rd_kafka_destroy(rk);
	free(p);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(int argc, char **argv);
	} modes[] = {
		{ "start", 5, start },
		{ "topic", 3, make_topic },
		{ "produce", 4, produce },
		{ "frames", 7, frames },
		{ "rate", 5, rate },
		{ "consume", 3, consume },
		{ "txns", 4, txns },
		{ "idle", 3, idle },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(argv[1], modes[i].name) && argc - 2 >= modes[i].args)
			return modes[i].run(argc - 2, argv + 2);
	fprintf(stderr, "usage: see the top of broker-load.c\n");
	return 2;
}
