/* The metadata log on a real store: closed, reopened, and cut to a snapshot. */
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "meta/meta.h"
#include "store/fs.h"
#include "store/store.h"

struct fixture {
	char dir[256];
	struct store *store;
	struct config *config;
	struct meta *meta;
	struct arena arena;
	const char *why;
};

static void
die(const struct err *e)
{
	printf("not ok - %s\n", e->msg);
	exit(1);
}

static void
on_wake(void *arg)
{
	(void)arg;
}

static void
on_committed(void *arg, uint64_t seq, int16_t error)
{
	(void)arg;
	(void)seq;
	CHECK_INT(error, 0);
}

static void
on_report(void *arg, bool is_warning, const char *line)
{
	(void)arg;
	printf("# %s%s\n", is_warning ? "warning: " : "", line);
}

static void
start(struct fixture *f)
{
	struct store_options o = {
		.dir = f->dir, .fs = fs_posix(), .clock = clock_system(),
		.fsync = FSYNC_GROUP, .wal_bytes = 8 << 20, .wake = on_wake,
		.committed = on_committed, .report = on_report,
	};
	struct err e = ERR_INIT;

	if (store_open(&f->store, &o, &e) < 0 ||
	    meta_open(&f->meta, f->store, clock_system(), f->config, &e) < 0 ||
	    store_start(f->store, &e) < 0)
		die(&e);
}

static void
stop(struct fixture *f)
{
	meta_close(f->meta);
	store_close(f->store, &(struct err)ERR_INIT);
}

static void
setup(struct fixture *f)
{
	*f = (struct fixture){ .config = config_new() };
	if (!tap_folder(f->dir, sizeof(f->dir))) {
		perror("mkdtemp");
		exit(1);
	}
	start(f);
}

static void
teardown(struct fixture *f)
{
	struct buf cmd = BUF_INIT;

	stop(f);
	config_free(f->config);
	arena_release(&f->arena);
	buf_addf(&cmd, "rm -r '%s'", f->dir);
	CHECK_INT(system(buf_cstr(&cmd)), 0);
	buf_release(&cmd);
}

/* Until the commit is on disk; gives up after ten seconds. */
static void
wait_for(struct fixture *f, uint64_t commit)
{
	for (int i = 0; i < 10000 && store_committed(f->store) < commit; i++) {
		store_flush(f->store);
		usleep(1000);
		store_poll(f->store);
	}
	CHECK(store_committed(f->store) >= commit);
}

static struct topic *
create(struct fixture *f, const char *name, int32_t partitions)
{
	struct topic *t;
	uint64_t commit;

	CHECK_INT(meta_create_topic(f->meta, slice_str(name), partitions, NULL, 0,
		false, false, &f->arena, &t, &commit, &f->why), 0);
	wait_for(f, commit);
	return t;
}

static void
alter(struct fixture *f, const char *name, int64_t retention_ms, uint64_t *commit)
{
	char value[32];
	struct config_change c = { slice_str("retention.ms"), { value, 0 } };

	c.value.len = (size_t)snprintf(value, sizeof(value), "%" PRId64, retention_ms);
	CHECK_INT(meta_alter_topic(f->meta, meta_topic(f->meta, slice_str(name)),
		&c, 1, false, &f->arena, commit, &f->why), 0);
}

static void
topics_are_there_at_the_next_start(void)
{
	struct fixture f;
	struct uuid cluster, id;
	struct topic *t;
	uint64_t commit;

	setup(&f);
	cluster = *meta_cluster_id(f.meta);
	id = create(&f, "a", 3)->id;
	create(&f, "b", 1);
	alter(&f, "a", 77, &commit);
	CHECK_INT(meta_delete_topic(f.meta, meta_topic(f.meta, slice_str("b")),
		&commit), 0);
	wait_for(&f, commit);
	stop(&f);
	start(&f);
	CHECK(uuid_eq(&cluster, meta_cluster_id(f.meta)));
	CHECK(!meta_topic(f.meta, slice_str("b")));
	t = meta_topic_by_id(f.meta, &id);
	if (CHECK(t)) {
		CHECK_INT(t->partitions_n, 3);
		CHECK_STR(partlog_topic(t->partitions[2]), "a");
		CHECK_INT(partlog_partition(t->partitions[2]), 2);
		CHECK(map_get(&t->configs, slice_str("retention.ms")));
	}
	teardown(&f);
}

static void
a_long_log_is_cut_to_its_snapshot(void)
{
	struct fixture f;
	int64_t before;
	uint64_t commit = 0;
	struct partlog *log;

	setup(&f);
	create(&f, "a", 1);
	log = store_metadata(f.store);
	for (int i = 0; i < 30000; i++) {
		alter(&f, "a", i, &commit);
		if (i % 1000 == 0)
			wait_for(&f, commit);
	}
	wait_for(&f, commit);
	/* While it runs; as often as it has grown so much again. */
	before = partlog_start(log);
	CHECK(before > 10000 && partlog_end(log) - before < 25000);
	stop(&f);
	start(&f); /* reads past it */
	create(&f, "b", 1);
	stop(&f);
	start(&f);
	CHECK(partlog_start(store_metadata(f.store)) >= before);
	CHECK(meta_topic(f.meta, slice_str("a")) && meta_topic(f.meta, slice_str("b")));
	teardown(&f);
}

int
main(void)
{
	RUN(topics_are_there_at_the_next_start);
	RUN(a_long_log_is_cut_to_its_snapshot);
	return tap_done();
}
