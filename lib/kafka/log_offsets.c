#include "kafka/log_offsets.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/sig.h"
#include "kafka/handle.h"

/* librdkafka searches its lists from the front. */
enum { CHUNK = 1000 };

/* A broker's word on a partition, not the silence of a broker. */
static bool
is_answer(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
		code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
		(code > 0 && code != RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
}

static rd_kafka_resp_err_t
ask_list(struct client *c, struct log_place **places, int n, int64_t time,
	int timeout_ms)
{
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(n);
	rd_kafka_resp_err_t code;

	for (int i = 0; i < n; i++) {
		rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(l,
			places[i]->topic, places[i]->partition);

		p->offset = time;
		p->opaque = places[i];
	}
	code = rd_kafka_offsets_for_times(client_handle(c), l, timeout_ms);
	for (int i = 0; i < n; i++) {
		struct log_place *p = l->elems[i].opaque;

		p->failed = code || l->elems[i].err;
		p->offset = p->failed || l->elems[i].offset < 0 ? -1 :
			l->elems[i].offset;
	}
	rd_kafka_topic_partition_list_destroy(l);
	return code;
}

/* One error of a broker fails the whole call: then in halves. */
static int
ask(struct client *c, struct log_place **places, int n, int64_t time,
	int64_t end_ms, struct err *e)
{
	int64_t left = end_ms - clock_mono_ms(clock_system());
	rd_kafka_resp_err_t code = ask_list(c, places, n, time,
		left < 1 ? 1 : (int)left);

	if (!code)
		return 0;
	if (!is_answer(code))
		return client_error(c, code, NULL, e);
	if (n == 1)
		return 0;
	return ask(c, places, n / 2, time, end_ms, e) ||
		ask(c, places + n / 2, n - n / 2, time, end_ms, e) ? -1 : 0;
}

/* Moves the places that failed to the front; returns how many they are. */
static int
keep_failed(struct log_place **places, int n)
{
	int kept = 0;

	for (int i = 0; i < n; i++)
		if (places[i]->failed)
			places[kept++] = places[i];
	return kept;
}

int
log_offsets(struct client *c, struct log_place *places, int n, int64_t time,
	int timeout_ms, struct err *e)
{
	enum { TRIES = 4, FIRST_MS = 100 };
	int64_t end_ms = clock_mono_ms(clock_system()) + timeout_ms;
	struct log_place **open = xcalloc((size_t)n, sizeof(struct log_place *));
	int ret = 0;

	for (int i = 0; i < n; i++)
		open[i] = &places[i];
	for (int try = 0; n && !ret && try < TRIES; try++) {
		/* 100, 200, 400 ms */
		if (try)
			poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1,
				FIRST_MS << (try - 1));
		/* who ends in order may ask once more */
		if (try && sig_caught())
			ret = err_set(e, ERR_TEMPORARY, "interrupted");
		for (int i = 0; i < n && !ret; i += CHUNK)
			ret = ask(c, open + i, n - i < CHUNK ? n - i : CHUNK, time,
				end_ms, e);
		n = keep_failed(open, n);
	}
	free(open);
	return ret ? err_wrap(e, "cannot ask for offsets") : 0;
}
