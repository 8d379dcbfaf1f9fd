/*
 * committed.c - a group's offsets, asked for until they are told. Not by the
 * admin request: librdkafka 2.0.2 dies of its answer when the coordinator has
 * moved; and here the waiting is ours, because it takes every error for final.
 */
#include "base/clock.h"
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/handle.h"

#include <poll.h>
#include <stdbool.h>

enum {
	STEP_MS = 20, STEP_MAX_MS = 500,
	TXN_MS = 90000, /* beyond transaction.timeout.ms, as it mostly is */
	UNSTABLE_OFFSET_COMMIT = 88
};

/* A coordinator that moves, or a transaction that is about to commit. */
static bool
passes(rd_kafka_resp_err_t code)
{
	switch ((int)code) {
	case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
	case RD_KAFKA_RESP_ERR__WAIT_COORD:
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case UNSTABLE_OFFSET_COMMIT:
		return true;
	default:
		return false;
	}
}

int
client_committed(struct client *c, rd_kafka_topic_partition_list_t *list,
	int timeout_ms, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t start = clock_mono_ms(clock), end = start + timeout_ms;

	for (int step = STEP_MS; ; step = step < STEP_MAX_MS ? 2 * step : step) {
		int64_t left = end - clock_mono_ms(clock);
		rd_kafka_resp_err_t code = rd_kafka_committed(client_handle(c), list,
			left < 1 ? 1 : (int)left);

		for (int i = 0; i < list->cnt && !code; i++)
			code = list->elems[i].err;
		if (!code)
			return 0;
		/* Who was killed in a transaction left it open. */
		if ((int)code == UNSTABLE_OFFSET_COMMIT && end < start + TXN_MS) {
			diag_note("waiting for a transaction that holds offsets of "
				"the group");
			left += start + TXN_MS - end;
			end = start + TXN_MS;
		}
		if (!passes(code) || sig_caught() || left <= step)
			return client_error(c, code, NULL, e);
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, step);
	}
}
