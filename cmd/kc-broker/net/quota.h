/*
 * quota.h - quotas enforced: who has used how much lately, and how long he
 * has to wait. As KIP-219 has it, the reply goes out at once and says how
 * long that is, and the connection is not read until then.
 *
 * A bucket for each who shares a quota fills with what is allowed a second,
 * up to the quota windows' worth of it, as Kafka's averages do. All on the loop.
 */
#ifndef NET_QUOTA_H
#define NET_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "meta/quotas.h"

struct conn;
struct quota_buckets;
struct request;
struct server;

struct quota_buckets *quota_buckets_new(const struct server *s);
void quota_buckets_free(struct quota_buckets *q);
/* Once a second: forgets those that owe nothing. */
void quota_tick(struct server *s);

/*
 * The request has used this much. Returns the ms that its reply has to name
 * and that its connection is muted for, 0 mostly; includes what is owed for
 * earlier requests' processing time.
 */
int32_t quota_charge(struct request *rq, enum quota_key k, double amount);
/*
 * May so many partitions be made or deleted now (KIP-599)? Without credit
 * for any, versions from `strict` on are refused with
 * THROTTLING_QUOTA_EXCEEDED and come again; older ones are served, and wait.
 */
bool quota_may_change(struct request *rq, int16_t strict, int32_t partitions);
/* Processing time, in ns, of a request of this client. */
bool quota_times_requests(const struct server *s);
void quota_charge_time(struct conn *c, struct slice client, int64_t ns);
/* What the client owes for processing time, ms. */
int32_t quota_owed(struct conn *c, struct slice client);
/* A connection from its address: ms until it may be served. */
int32_t quota_connection(struct conn *c);

#endif
