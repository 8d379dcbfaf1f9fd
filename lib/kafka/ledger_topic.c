/* ledger_topic.c - the ledger as a compacted topic. */
#include "cli/diag.h"
#include "cli/sig.h"
#include "kafka/admin.h"
#include "kafka/consume.h"
#include "kafka/ledger.h"

int
ledger_topic_create(struct client *c, const char *topic, int timeout_ms,
	struct err *e)
{
	static const struct admin_change configs[] = {
		{ "cleanup.policy", "compact" },
	};
	const struct admin_options o = { .timeout_ms = timeout_ms };

	if (admin_create(c, topic, 1, -1, configs, 1, &o, e)) {
		if (e->code != ERR_EXISTS)
			return err_wrap(e, "cannot make the ledger '%s' "
				"(--ledger file:PATH keeps it in a file)", topic);
		*e = (struct err)ERR_INIT;
	}
	return admin_await(c, topic, timeout_ms, e);
}

int
ledger_topic_read(const struct conf *conf, const char *topic, int timeout_ms,
	const struct ledger_sink *sink, struct err *e)
{
	const struct consume_options o = {
		.topics = &topic, .topics_n = 1, .exit_at_end = true,
		.isolation = "read_committed", .timeout_ms = timeout_ms,
		.output_fd = -1,
	};
	enum consume_status s = CONSUME_IDLE;
	struct consume *c;
	struct record r;

	if (consume_open(&c, conf, &o, e))
		return e->code ? err_wrap(e, "ledger") : -1;
	while (s == CONSUME_IDLE || s == CONSUME_RECORD) {
		s = consume_next(c, -1, &r, e);
		if (s == CONSUME_RECORD && sink->take(sink->arg, r.key, r.value, e))
			s = CONSUME_ERROR;
	}
	consume_close(c);
	if (s == CONSUME_END)
		return 0;
	return e->code ? err_wrap(e, "ledger '%s'", topic) : -1;
}
