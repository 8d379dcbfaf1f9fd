/*
 * lag_risk.h - unread records that retention may delete soon: --risk.
 *
 * What is left is retention.ms minus the age of the oldest unread record.
 * Brokers delete whole segments, so a record may stay for longer, never
 * shorter. Topics that keep records for ever, or only compact, have no risk.
 */
#ifndef KAFKA_LAG_RISK_H
#define KAFKA_LAG_RISK_H

#include "base/err.h"
#include "cli/out.h"
#include "kafka/client.h"
#include "model/lag.h"

/*
 * Asks for the configuration of each topic that has unread records of a known
 * age: DescribeConfigs, one request a topic, until the deadline. A topic whose
 * configuration may not be read is told, and ERR_NO.
 */
int lag_risk_measure(struct client *c, struct lag_snapshot *s,
	int64_t deadline_ms, struct err *e);

/* Rows with a risk, the soonest first. */
int lag_risk_print(struct out *o, const struct lag_snapshot *s, bool json,
	struct err *e);

#endif
