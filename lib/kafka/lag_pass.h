/*
 * lag_pass.h - the inside of lag_measure.h, for lag_*.c: one measuring, and
 * what its steps share.
 */
#ifndef KAFKA_LAG_PASS_H
#define KAFKA_LAG_PASS_H

#include "kafka/groups.h"
#include "kafka/handle.h"
#include "kafka/lag_measure.h"

/* Whose twins of the client (client_twin()) are whose. */
enum { LAG_TWIN_STABLE, LAG_TWINS };

struct lag_pass {
	struct client *client;
	rd_kafka_t *rk;
	rd_kafka_t *stable_rk; /* of committed records; NULL = not wanted */
	const struct lag_measure_options *o;
	struct lag_snapshot *s;
};

/* What is left of the time, at least 1 ms; 0 = the deadline is over. */
int lag_left_ms(const struct lag_pass *pass);
/*
 * A share of it for one step: a broker that does not answer may not use up
 * what the others need for the next steps.
 */
int lag_share_ms(const struct lag_pass *pass);

/* Why something could not be measured; *error is a text that lives for ever. */
enum lag_reason lag_reason_of(rd_kafka_resp_err_t code, const char **error);

/* Members and assignments of the groups wanted become rows of the snapshot. */
int lag_groups(struct lag_pass *pass, struct err *e);
/* Commits of all groups become rows, merged with their assignments. */
void lag_commits(struct lag_pass *pass);
/* Partitions and leaders of the topics that rows name. */
void lag_topics(struct lag_pass *pass);
/*
 * Asks which of the topics are compacted; NULL when there are none, or too
 * many. What cannot be had in time, or may not be known, is not.
 */
struct lag_policies *lag_policies_ask(struct lag_pass *pass);
void lag_policies_take(struct lag_pass *pass, struct lag_policies *asked);
/* Ends and starts of all partitions that rows name. */
void lag_ends(struct lag_pass *pass);
/* Asks again for the ends that lie before a commit. */
void lag_ends_again(struct lag_pass *pass);

#endif
