/* Topics, their changes, and the log that remembers them, over a store in memory. */
#include "tap.h"

#include "fake_store.h"
#include "meta/meta.h"

struct fixture {
	struct store *store;
	struct config *config;
	struct clock clock;
	struct meta *meta;
	struct arena arena;
	const char *why;
	uint64_t commit;
};

static void
open_meta(struct fixture *f)
{
	struct err e = ERR_INIT;

	if (!CHECK(meta_open(&f->meta, f->store, &f->clock, f->config, &e) == 0)) {
		printf("# %s\n", e.msg);
		exit(1);
	}
}

static void
setup(struct fixture *f)
{
	*f = (struct fixture){ .store = fake_store_new(), .config = config_new() };
	f->clock = clock_fake(1000);
	open_meta(f);
	f->store->committed = f->store->seq;
}

static void
teardown(struct fixture *f)
{
	meta_close(f->meta);
	fake_store_free(f->store);
	config_free(f->config);
	arena_release(&f->arena);
}

static void
reopen(struct fixture *f)
{
	meta_close(f->meta);
	fake_store_crash(f->store);
	open_meta(f);
}

static void
commit_all(struct fixture *f)
{
	f->store->committed = f->store->seq;
}

static int16_t
create(struct fixture *f, const char *name, int32_t partitions)
{
	struct topic *t;

	return meta_create_topic(f->meta, slice_str(name), partitions, NULL, 0,
		false, false, &f->arena, &t, &f->commit, &f->why);
}

static struct topic *
topic(struct fixture *f, const char *name)
{
	return meta_topic(f->meta, slice_str(name));
}

static int16_t
alter(struct fixture *f, const char *name, const char *key, const char *value)
{
	struct config_change c = { slice_str(key), slice_str(value) };

	return meta_alter_topic(f->meta, topic(f, name), &c, 1, false, &f->arena,
		&f->commit, &f->why);
}

static const char *
override(struct fixture *f, const char *name, const char *key)
{
	const struct topic_config_value *v = map_get(&topic(f, name)->configs,
		slice_str(key));

	return v ? v->value : NULL;
}

static void
names_are_checked(void)
{
	static const char *const bad[] = { "", ".", "..", "a b", "a/b", "\xc3\xa9", "a\n" };
	char name[251];
	const char *why;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(meta_check_name(slice_str(bad[i]), &why), 17);
		CHECK(why);
	}
	memset(name, 'x', sizeof(name));
	CHECK_INT(meta_check_name(slice_make(name, 250), &why), 17);
	CHECK_INT(meta_check_name(slice_make(name, 249), &why), 0);
	CHECK_INT(meta_check_name(slice_make("a\0b", 3), &why), 17);
	CHECK_INT(meta_check_name(slice_str("A.z_0-9"), &why), 0);
	CHECK_INT(meta_check_name(slice_str("..."), &why), 0);
}

static void
a_topic_is_found_by_name_and_id(void)
{
	struct fixture f;
	struct topic *t;
	int n;

	setup(&f);
	CHECK_INT(create(&f, "b", 2), 0);
	CHECK_INT(f.commit, f.store->seq);
	CHECK_INT(create(&f, "a", -1), 0);
	t = topic(&f, "b");
	CHECK(t && meta_topic_by_id(f.meta, &t->id) == t);
	CHECK_INT(t->partitions_n, 2);
	CHECK(topic_partition(t, 1) && topic_partition(t, 1)->partition == 1);
	CHECK(!topic_partition(t, 2) && !topic_partition(t, -1));
	CHECK_INT(topic(&f, "a")->partitions_n, 1);
	CHECK(meta_topics(f.meta, &n)[0] == topic(&f, "a"));
	CHECK_INT(n, 2);
	CHECK(!topic(&f, "c"));
	teardown(&f);
}

static void
what_cannot_be_created_is_refused(void)
{
	struct fixture f;
	struct config_change bad = { slice_str("segment.bytes"), slice_str("1") };
	struct config_change unknown = { slice_str("nope"), slice_str("1") };
	struct topic *t;

	setup(&f);
	CHECK_INT(create(&f, "a.b", 1), 0);
	CHECK_INT(create(&f, "a.b", 1), KERR_TOPIC_ALREADY_EXISTS);
	CHECK_STR(f.why, "Topic 'a.b' already exists.");
	CHECK_INT(create(&f, "a_b", 1), KERR_INVALID_TOPIC_EXCEPTION);
	CHECK_STR(f.why, "Topic 'a_b' collides with existing topic: a.b");
	CHECK_INT(create(&f, "a.bc", 1), 0);
	CHECK_INT(create(&f, "x/y", 1), KERR_INVALID_TOPIC_EXCEPTION);
	CHECK_INT(create(&f, "__kc_metadata", 1), KERR_INVALID_REQUEST);
	CHECK_STR(f.why, "Creation of internal topic __kc_metadata is prohibited.");
	CHECK_INT(create(&f, "x", 0), KERR_INVALID_PARTITIONS);
	CHECK_INT(create(&f, "x", -2), KERR_INVALID_PARTITIONS);
	CHECK_INT(create(&f, "x", META_MAX_OPERATION + 1), KERR_POLICY_VIOLATION);
	CHECK_INT(meta_create_topic(f.meta, slice_str("x"), 1, &bad, 1, false, false,
		&f.arena, &t, &f.commit, &f.why), KERR_INVALID_CONFIG);
	CHECK_INT(meta_create_topic(f.meta, slice_str("x"), 1, &unknown, 1, false,
		false, &f.arena, &t, &f.commit, &f.why), KERR_INVALID_CONFIG);
	CHECK_STR(f.why, "Unknown topic config name: nope");
	CHECK_INT(meta_create_topic(f.meta, slice_str("x"), 1, NULL, 0, false, true,
		&f.arena, &t, &f.commit, &f.why), 0);
	CHECK(!t && !topic(&f, "x") && !f.commit);
	CHECK_INT(fake_store_attached(f.store), 2);
	teardown(&f);
}

static void
everything_is_there_again_after_a_crash(void)
{
	struct fixture f;
	struct uuid cluster, id;
	uint64_t commit;

	setup(&f);
	cluster = *meta_cluster_id(f.meta);
	create(&f, "kept", 1);
	id = topic(&f, "kept")->id;
	create(&f, "gone", 3);
	create(&f, "grown", 2);
	CHECK_INT(alter(&f, "kept", "retention.ms", "5"), 0);
	CHECK_INT(alter(&f, "kept", "cleanup.policy", "compact"), 0);
	CHECK_INT(alter(&f, "kept", "cleanup.policy", NULL), 0);
	CHECK_INT(meta_add_partitions(f.meta, topic(&f, "grown"), 5, false,
		&f.arena, &commit, &f.why), 0);
	CHECK_INT(meta_delete_topic(f.meta, topic(&f, "gone"), &commit), 0);
	commit_all(&f);
	create(&f, "never", 1);
	reopen(&f);

	CHECK(uuid_eq(&cluster, meta_cluster_id(f.meta)));
	CHECK(uuid_eq(&id, &topic(&f, "kept")->id));
	CHECK_STR(override(&f, "kept", "retention.ms"), "5");
	CHECK_STR(override(&f, "kept", "cleanup.policy"), NULL);
	CHECK_INT(topic(&f, "kept")->partitions[0]->config.retention_ms, 5);
	CHECK(uuid_eq(&topic(&f, "kept")->partitions[0]->topic_id, &id));
	CHECK_INT(topic(&f, "grown")->partitions_n, 5);
	CHECK(!topic(&f, "gone") && !topic(&f, "never"));
	CHECK_INT(fake_store_attached(f.store), 6);
	teardown(&f);
}

static void
a_failed_append_changes_nothing(void)
{
	struct fixture f;
	uint64_t commit;

	setup(&f);
	create(&f, "a", 1);
	f.store->fail_append = KERR_KAFKA_STORAGE_ERROR;
	CHECK_INT(create(&f, "b", 4), KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(alter(&f, "a", "retention.ms", "5"), KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(meta_add_partitions(f.meta, topic(&f, "a"), 3, false, &f.arena,
		&commit, &f.why), KERR_KAFKA_STORAGE_ERROR);
	CHECK_INT(meta_delete_topic(f.meta, topic(&f, "a"), &commit),
		KERR_KAFKA_STORAGE_ERROR);
	CHECK(!topic(&f, "b"));
	CHECK_STR(override(&f, "a", "retention.ms"), NULL);
	CHECK_INT(topic(&f, "a")->partitions_n, 1);
	CHECK_INT(fake_store_attached(f.store), 1);
	f.store->fail_append = 0;
	CHECK_INT(create(&f, "b", 4), 0);
	teardown(&f);
}

static void
a_failed_attach_leaves_no_partition(void)
{
	struct fixture f;
	uint64_t commit;

	setup(&f);
	create(&f, "a", 1);
	f.store->attaches_left = 2;
	CHECK_INT(create(&f, "b", 4), KERR_KAFKA_STORAGE_ERROR);
	CHECK_STR(f.why, "partition 'b-2': cannot make the directory");
	CHECK_INT(meta_add_partitions(f.meta, topic(&f, "a"), 3, false, &f.arena,
		&commit, &f.why), KERR_KAFKA_STORAGE_ERROR);
	CHECK(!topic(&f, "b"));
	CHECK_INT(topic(&f, "a")->partitions_n, 1);
	CHECK_INT(fake_store_attached(f.store), 1);
	teardown(&f);
}

static void
a_group_is_one_batch(void)
{
	struct fixture f;
	int before;

	setup(&f);
	create(&f, "old", 1);
	commit_all(&f);
	before = f.store->metadata.batches_n;
	meta_begin(f.meta);
	CHECK_INT(create(&f, "a", 1), 0);
	CHECK_INT(create(&f, "a", 1), KERR_TOPIC_ALREADY_EXISTS);
	CHECK_INT(create(&f, "b.c", 1), 0);
	CHECK_INT(create(&f, "b_c", 1), KERR_INVALID_TOPIC_EXCEPTION);
	CHECK_INT(create(&f, "much", META_MAX_OPERATION - 1), KERR_POLICY_VIOLATION);
	CHECK_INT(alter(&f, "old", "retention.ms", "5"), 0);
	CHECK(!topic(&f, "a"));
	CHECK_STR(override(&f, "old", "retention.ms"), NULL);
	CHECK_INT(meta_end(f.meta, &f.commit), 0);
	CHECK_INT(f.store->metadata.batches_n, before + 1);
	CHECK_INT(f.commit, f.store->seq);
	CHECK(topic(&f, "a") && topic(&f, "b.c"));
	CHECK_STR(override(&f, "old", "retention.ms"), "5");
	reopen(&f);
	CHECK(!topic(&f, "a") && !topic(&f, "b.c"));
	CHECK_STR(override(&f, "old", "retention.ms"), NULL);
	teardown(&f);
}

static void
a_group_that_fails_changes_nothing(void)
{
	struct fixture f;

	setup(&f);
	create(&f, "old", 1);
	meta_begin(f.meta);
	create(&f, "a", 2);
	alter(&f, "old", "retention.ms", "5");
	f.store->fail_append = KERR_KAFKA_STORAGE_ERROR;
	CHECK_INT(meta_end(f.meta, &f.commit), KERR_KAFKA_STORAGE_ERROR);
	CHECK(!topic(&f, "a") && topic(&f, "old"));
	CHECK_STR(override(&f, "old", "retention.ms"), NULL);
	CHECK_INT(fake_store_attached(f.store), 1);
	f.store->fail_append = 0;
	meta_begin(f.meta);
	CHECK_INT(meta_end(f.meta, &f.commit), 0);
	CHECK_INT(f.commit, 0);
	teardown(&f);
}

static void
count_delete(void *arg, struct topic *t)
{
	int *n = arg;

	CHECK_STR(t->name, "a");
	CHECK(t->partitions[0]->attached);
	(*n)++;
}

static void
hooks_hear_of_a_deletion_before_it(void)
{
	struct fixture f;
	int n = 0;
	uint64_t commit;

	setup(&f);
	meta_on_delete(f.meta, count_delete, &n);
	create(&f, "a", 2);
	f.store->fail_append = KERR_KAFKA_STORAGE_ERROR;
	meta_delete_topic(f.meta, topic(&f, "a"), &commit);
	CHECK_INT(n, 0);
	f.store->fail_append = 0;
	meta_delete_topic(f.meta, topic(&f, "a"), &commit);
	CHECK_INT(n, 1);
	CHECK_INT(fake_store_attached(f.store), 0);
	CHECK_INT(create(&f, "a", 1), 0);
	teardown(&f);
}

static void
partitions_only_grow(void)
{
	struct fixture f;
	uint64_t commit;
	struct partlog *first;

	setup(&f);
	create(&f, "a", 3);
	first = topic(&f, "a")->partitions[0];
	CHECK_INT(meta_add_partitions(f.meta, topic(&f, "a"), 3, false, &f.arena,
		&commit, &f.why), KERR_INVALID_PARTITIONS);
	CHECK_STR(f.why, "Topic already has 3 partition(s).");
	CHECK_INT(meta_add_partitions(f.meta, topic(&f, "a"), -1, false, &f.arena,
		&commit, &f.why), KERR_INVALID_PARTITIONS);
	CHECK_STR(f.why, "The topic a currently has 3 partition(s); -1 would not "
		"be an increase.");
	CHECK_INT(meta_add_partitions(f.meta, topic(&f, "a"), 4, true, &f.arena,
		&commit, &f.why), 0);
	CHECK_INT(topic(&f, "a")->partitions_n, 3);
	CHECK_INT(meta_add_partitions(f.meta, topic(&f, "a"), INT32_MAX, false,
		&f.arena, &commit, &f.why), KERR_POLICY_VIOLATION);
	CHECK_INT(meta_add_partitions(f.meta, topic(&f, "a"), 4, false, &f.arena,
		&commit, &f.why), 0);
	CHECK(topic(&f, "a")->partitions[0] == first);
	CHECK_INT(topic(&f, "a")->partitions[3]->partition, 3);
	teardown(&f);
}

static void
producer_ids_are_never_given_twice(void)
{
	struct fixture f;
	int64_t id, last = -1;
	uint64_t commit;

	setup(&f);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1500; i++) {
			CHECK_INT(meta_next_producer_id(f.meta, &id, &commit), 0);
			CHECK(id > last && commit);
			last = id;
			f.store->committed = commit;
		}
		reopen(&f);
	}
	f.store->fail_append = KERR_KAFKA_STORAGE_ERROR;
	CHECK_INT(meta_next_producer_id(f.meta, &id, &commit),
		KERR_KAFKA_STORAGE_ERROR);
	teardown(&f);
}

/* Grows the log far beyond its live state: two topics, one of them altered a lot. */
static void
grow_log(struct fixture *f)
{
	char value[32];

	for (int i = 0; i < 30000; i++) {
		snprintf(value, sizeof(value), "%d", i);
		alter(f, "a", "retention.ms", value);
	}
}

static void
check_state(struct fixture *f, const struct uuid *cluster)
{
	CHECK(uuid_eq(cluster, meta_cluster_id(f->meta)));
	CHECK_STR(override(f, "a", "retention.ms"), "29999");
	CHECK_INT(topic(f, "b")->partitions_n, 3);
	CHECK(!topic(f, "c"));
}

static void
a_long_log_becomes_a_snapshot(void)
{
	struct fixture f;
	struct uuid cluster;
	int64_t id, start, next;
	uint64_t commit;

	setup(&f);
	cluster = *meta_cluster_id(f.meta);
	meta_next_producer_id(f.meta, &id, &commit);
	create(&f, "a", 1);
	create(&f, "b", 3);
	create(&f, "c", 3);
	meta_delete_topic(f.meta, topic(&f, "c"), &commit);
	/* Snapshots are made meanwhile, and nothing goes before they are durable. */
	grow_log(&f);
	CHECK_INT(f.store->metadata.start, 0);
	commit_all(&f);
	start = f.store->metadata.end;
	reopen(&f);
	check_state(&f, &cluster);
	CHECK_INT(f.store->metadata.end, start);

	/* The next change deletes the old part. */
	CHECK_INT(create(&f, "d", 1), 0);
	CHECK(f.store->metadata.start > 10000);
	/* What was not committed is lost with the crash: the snapshot, too. */
	reopen(&f);
	check_state(&f, &cluster);
	CHECK(!topic(&f, "d"));
	CHECK_INT(create(&f, "d", 1), 0);
	commit_all(&f);
	reopen(&f);
	check_state(&f, &cluster);
	CHECK(topic(&f, "d"));
	meta_next_producer_id(f.meta, &next, &commit);
	CHECK(next > id);
	teardown(&f);
}

static void
a_newer_log_is_refused(void)
{
	struct fixture f;
	struct batch_builder bb;
	struct append_result r;
	struct err e = ERR_INIT;
	struct meta *m;

	setup(&f);
	batch_begin(&bb);
	batch_add(&bb, 0, slice_make("\0\x63", 2), slice_make("\0\0", 2));
	batch_finish(&bb);
	partlog_append(&f.store->metadata, bb.out.data, bb.out.len,
		APPEND_COORDINATOR, &r);
	buf_release(&bb.out);
	commit_all(&f);
	CHECK(meta_open(&m, f.store, &f.clock, f.config, &e) < 0);
	CHECK_STR(e.msg, "metadata log: the record at offset 1 is of type 99 "
		"version 0, which this kc-broker does not know");
	teardown(&f);
}

static void
internal_topics_are_known_by_name(void)
{
	struct fixture f;

	setup(&f);
	create(&f, "__consumer_offsets", 1);
	create(&f, "__mine", 1);
	commit_all(&f);
	reopen(&f);
	CHECK(topic(&f, "__consumer_offsets")->internal);
	CHECK(!topic(&f, "__mine")->internal);
	teardown(&f);
}

static void
replicas_are_this_node(void)
{
	struct arena a = { 0 };
	const char *why;

	CHECK_INT(meta_check_replicas((int32_t[]){ 7 }, 1, 7, &a, &why), 0);
	CHECK_INT(meta_check_replicas(NULL, 0, 7, &a, &why), 39);
	CHECK_INT(meta_check_replicas((int32_t[]){ 8 }, 1, 7, &a, &why), 39);
	CHECK_STR(why, "The manual partition assignment includes broker 8, but "
		"no such broker is registered.");
	CHECK_INT(meta_check_replicas((int32_t[]){ 7, 7 }, 2, 7, &a, &why), 39);
	arena_release(&a);
}

int
main(void)
{
	RUN(names_are_checked);
	RUN(a_topic_is_found_by_name_and_id);
	RUN(what_cannot_be_created_is_refused);
	RUN(everything_is_there_again_after_a_crash);
	RUN(a_failed_append_changes_nothing);
	RUN(a_failed_attach_leaves_no_partition);
	RUN(a_group_is_one_batch);
	RUN(a_group_that_fails_changes_nothing);
	RUN(hooks_hear_of_a_deletion_before_it);
	RUN(partitions_only_grow);
	RUN(producer_ids_are_never_given_twice);
	RUN(a_long_log_becomes_a_snapshot);
	RUN(a_newer_log_is_refused);
	RUN(internal_topics_are_known_by_name);
	RUN(replicas_are_this_node);
	return tap_done();
}
