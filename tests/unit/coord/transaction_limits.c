/*
 * What transactions may take of memory: who asks for more is refused, and
 * the others go on. kc-broker(8), Memory.
 */
#include "node.h"

#include "coord/transaction_entry.h"

static void
fill_with_ids(struct transactions *ts)
{
	char id[16];

	for (int i = 0; (int)ts->entries.len < TRANSACTIONS_MAX; i++) {
		snprintf(id, sizeof(id), "id-%d", i);
		transaction_entry_add(ts, S(id));
	}
}

static void
ids_are_counted(void)
{
	struct client known = { .name = "known", .version = TRANSACTION_V2 };
	struct client late = { .name = "late", .version = TRANSACTION_V2 };
	struct node n = { 0 };

	fixture_init(&n.f);
	if (!set_up(&n))
		return;
	CHECK_INT(init(&n, &known), 0);
	fill_with_ids(n.transactions);
	CHECK_INT(init(&n, &late), KERR_POLICY_VIOLATION);
	CHECK_INT(late.id, -1);
	CHECK_INT(init(&n, &known), 0);
	CHECK_INT(work(&n, &known, 1), 0);
	settle(&n);
	CHECK_INT(end(&n, &known, true), 0);
	settle(&n);
	transaction_entry_free(transaction_entry_get(n.transactions, S("id-7")));
	CHECK_INT(init(&n, &late), 0);
	stop(&n);
	fixture_release(&n.f);
}

/* All but `left` bytes, as if its transaction had so many partitions open. */
static void
fill_with_partitions(struct transaction_entry *e, size_t left)
{
	char topic[250];

	memset(topic, 't', sizeof(topic));
	topic[sizeof(topic) - 1] = '\0';
	for (int32_t i = 0; e->owner->bytes + e->parts.bytes - e->bytes + left +
	     sizeof(struct transaction_part) + sizeof(topic) <= TRANSACTIONS_MAX_BYTES; i++)
		transaction_parts_add(&e->parts, S(topic), i);
	transaction_parts_keep(&e->parts);
	transaction_entry_count(e);
}

static void
their_bytes_are_counted(void)
{
	struct client big = { .name = "big", .version = TRANSACTION_V1 };
	struct client small = { .name = "small", .version = TRANSACTION_V1 };
	struct client late = { .version = TRANSACTION_V1 };
	struct transactions_producer p;
	struct transaction_entry *e;
	struct node n = { 0 };
	char name[1000];
	size_t before;
	struct transactions_part parts[40];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	late.name = name;
	for (int32_t i = 0; i < 40; i++)
		parts[i] = (struct transactions_part){ S("t"), i };
	fixture_init(&n.f);
	if (!set_up(&n))
		return;
	CHECK_INT(init(&n, &big), 0);
	CHECK_INT(init(&n, &small), 0);
	e = transaction_entry_get(n.transactions, S("big"));
	fill_with_partitions(e, 600);
	before = n.transactions->bytes;
	CHECK_INT(init(&n, &late), KERR_POLICY_VIOLATION);
	/* All of a request or nothing, and nothing stays of it. */
	p = (struct transactions_producer){ S("small"), small.id, small.epoch, small.version };
	CHECK_INT(transactions_add(n.transactions, &p, parts, 40), KERR_POLICY_VIOLATION);
	CHECK_INT(n.transactions->bytes, before);
	CHECK_INT(transactions_verify(n.transactions, &p, &parts[0]), KERR_TRANSACTION_ABORTABLE);
	CHECK_INT(work(&n, &small, 1), 0);
	settle(&n);
	CHECK_INT(end(&n, &small, true), 0);
	settle(&n);
	CHECK_INT(n.transactions->bytes, before);
	/* The end of the large one makes room. */
	transaction_parts_release(&e->parts);
	transaction_entry_count(e);
	CHECK_INT(transactions_add(n.transactions, &p, parts, 40), 0);
	CHECK_INT(init(&n, &late), 0);
	stop(&n);
	fixture_release(&n.f);
}

int
main(void)
{
	RUN(ids_are_counted);
	RUN(their_bytes_are_counted);
	return tap_done();
}
