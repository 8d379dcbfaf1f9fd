/*
 * Any bytes as a record of an internal log: the first byte says whose, the
 * second how long the key is. Metadata, groups of both kinds, offsets and
 * transactions are read or refused.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "coord/consumer_records.h"
#include "coord/records.h"
#include "coord/transaction_records.h"
#include "meta/meta_log.h"

enum { METADATA, GROUPS, CONSUMER_GROUPS, TRANSACTIONS, LOGS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* ---- metadata: whoever listens sees only what can be ---------------------- */

static int
on_header(void *arg, int64_t offset, const struct uuid *id, struct err *e)
{
	(void)arg, (void)e;
	return offset == 7 && id ? 0 : (abort(), -1);
}

static int
on_topic(void *arg, const struct uuid *id, struct slice name, int32_t partitions,
	const struct config_change *configs, int n, struct err *e)
{
	struct arena a = { 0 };

	(void)arg, (void)e, (void)id, (void)partitions;
	/* Every byte of them can be read. */
	arena_copy(&a, name);
	for (int i = 0; i < n; i++) {
		arena_copy(&a, configs[i].name);
		arena_copy(&a, configs[i].value);
	}
	arena_release(&a);
	return 0;
}

static int
on_deletion(void *arg, const struct uuid *id, struct err *e)
{
	(void)arg, (void)e;
	return id ? 0 : -1;
}

static int
on_producers(void *arg, int64_t next, struct err *e)
{
	(void)arg, (void)e;
	return next >= 0 ? 0 : (abort(), -1);
}

static int
on_settings(void *arg, int8_t kind, struct slice name,
	const struct config_change *values, int n, struct err *e)
{
	return on_topic(arg, NULL, name, kind, values, n, e);
}

static void
read_metadata(struct slice key, struct slice value, struct arena *a)
{
	static const struct meta_log_reader to = { .header = on_header,
		.topic = on_topic, .deletion = on_deletion,
		.producers = on_producers, .settings = on_settings };
	struct log_record r = { .offset = 7, .key = key, .value = value };
	struct err e = ERR_INIT;

	meta_log_read(&r, a, &to, NULL, &e);
}

/* ---- groups and transactions ---------------------------------------------- */

static void
read_group(struct slice key, struct slice value, struct arena *a)
{
	static const struct group_limits limits = { .max_size = 1000 };
	struct group_turn t = { .now = 100, .arena = a };
	struct committed c = { 0 };
	struct record_key k;
	struct group *g;

	if (record_read_key(key, &k) < 0 || slice_is_null(value))
		return;
	if (k.kind == RECORD_OFFSET) {
		record_read_offset(value, &c);
	} else if (k.kind == RECORD_GROUP) {
		g = group_new(k.group, &limits, 0);
		record_read_group(value, g, a, &t);
		group_free(g);
	}
}

static void
read_consumer_group(struct slice key, struct slice value, struct arena *a)
{
	struct consumer_record r;
	struct slice group;

	consumer_record_read(key, value, &group, &r, a);
}

static void
read_transaction(struct slice key, struct slice value, struct arena *a)
{
	struct transaction_parts parts = { 0 };
	struct transaction t = { 0 };
	struct slice id;
	bool has_starts;

	if (transaction_read_key(key, &id) < 0 || slice_is_null(value))
		return;
	transaction_read_value(value, a, &t, &parts, &has_starts);
	transaction_parts_release(&parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const logs[])(struct slice, struct slice, struct arena *) = {
		[METADATA] = read_metadata, [GROUPS] = read_group,
		[CONSUMER_GROUPS] = read_consumer_group,
		[TRANSACTIONS] = read_transaction,
	};
	struct arena a = { 0 };
	uint8_t *p;
	size_t n;

	if (len < 2)
		return 0;
	p = xmemdup(data, len); /* exactly as large: what is behind it is found */
	n = p[1] < len - 2 ? p[1] : len - 2;
	logs[p[0] % LOGS](slice_make(p + 2, n), slice_make(p + 2 + n, len - 2 - n), &a);
	free(p);
	arena_release(&a);
	return 0;
}
