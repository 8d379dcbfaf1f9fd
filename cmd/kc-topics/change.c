/* change.c - kc-topics: topics are made, deleted, altered. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "tally.h"

/* ---- before anything is asked ---- */

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* "7d" for a config in ms, "4M" for one in bytes; anything else as it is. */
static int
readable_value(const char *name, const char *text, struct buf *out, struct err *e)
{
	bool ms = ends_with(name, ".ms"), bytes = ends_with(name, ".bytes");
	struct err ignored = ERR_INIT;
	int64_t v;

	if ((!ms && !bytes) || !num_int(slice_str(text), INT64_MIN, INT64_MAX, &v,
	    &ignored)) {
		buf_addstr(out, text);
		return 0;
	}
	if (ms ? num_duration(slice_str(text), &v, e) : num_size(slice_str(text), &v, e))
		return err_wrap(e, "-c %s=%s", name, text);
	buf_addint(out, v);
	return 0;
}

/* -c NAME=VALUE, or NAME- where configs can be unset. */
static int
parse_change(struct args *a, int i, bool may_unset, struct err *e)
{
	const char *text = a->configs.items[i], *eq = strchr(text, '=');
	size_t n = strlen(text);
	struct buf value = BUF_INIT;
	char *copy;

	if (!eq && may_unset && n > 1 && text[n - 1] == '-') {
		copy = xmemdup0(text, n - 1);
	} else if (!eq || eq == text) {
		return err_set(e, ERR_USAGE, "-c '%s': neither NAME=VALUE%s", text,
			may_unset ? " nor NAME-" : "");
	} else {
		copy = xstrdup(text);
		copy[eq - text] = '\0';
		if (readable_value(copy, eq + 1, &value, e)) {
			free(copy);
			return -1;
		}
	}
	a->change_texts[2 * i] = copy;
	a->change_texts[2 * i + 1] = eq ? xmemdup0(value.data, value.len) : NULL;
	a->changes[i] = (struct admin_change){ copy, a->change_texts[2 * i + 1] };
	buf_release(&value);
	return 0;
}

int
parse_changes(struct args *a, bool may_unset, struct err *e)
{
	a->changes = xcalloc((size_t)a->configs.n, sizeof(*a->changes));
	a->change_texts = xcalloc(2 * (size_t)a->configs.n, sizeof(char *));
	for (int i = 0; i < a->configs.n; i++)
		if (parse_change(a, i, may_unset, e))
			return -1;
	return 0;
}

void
release_changes(struct args *a)
{
	for (int i = 0; a->change_texts && i < 2 * a->configs.n; i++)
		free(a->change_texts[i]);
	free(a->change_texts);
	free(a->changes);
}

/* ---- the verbs ---- */

/* Topics of one request: Kafka takes 10,000 partitions at once. */
enum { CREATED_AT_ONCE = 100, PARTITIONS_AT_ONCE = 10000 };

/* How many of the next are made together: no name twice. */
static int
at_once(const struct args *a, int argc, char **argv)
{
	int64_t max = a->partitions > 0 ? PARTITIONS_AT_ONCE / a->partitions :
		CREATED_AT_ONCE;
	int n = 1;

	for (; n < argc && n < max && n < CREATED_AT_ONCE; n++)
		for (int i = 0; i < n; i++)
			if (!strcmp(argv[i], argv[n]))
				return n;
	return n;
}

static void
create_some(struct args *a, int n, char **names, bool many, struct tally *t)
{
	const struct admin_options o = { a->timeout_ms, a->dry_run };
	const struct admin_new new = { (int)a->partitions, (int)a->replicas,
		a->changes, a->configs.n };
	struct err why[CREATED_AT_ONCE] = { 0 };

	admin_create_all(a->client, names, n, &new, &o, why);
	if (!a->dry_run)
		admin_await_all(a->client, names, n, a->timeout_ms, why);
	for (int i = 0; i < n; i++) {
		bool there = a->if_not_exists && why[i].code == ERR_EXISTS;

		if (why[i].code && !there)
			tally_failed(t, a, names[i], many, &why[i]);
		else
			tally_add(t, a, names[i], &(struct outcome){
				there ? &EXISTS : &CREATED, -1 });
	}
}

int
run_create(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct tally t = { 0 };

	for (int i = 0, n; i < argc; i += n) {
		n = at_once(a, argc - i, argv + i);
		create_some(a, n, argv + i, argc > 1, &t);
	}
	return tally_finish(&t, e);
}

static int
delete_one(struct args *a, struct admin_topics *topics, const char *name,
	struct outcome *out, struct err *e)
{
	const struct admin_options o = { a->timeout_ms, a->dry_run };

	out->result = &DELETED;
	/* Nobody was asked about what was not there. */
	if ((a->dry_run || !a->yes) && !admin_topics_find(topics, name))
		e->code = ERR_NOT_FOUND;
	else if (!admin_delete(a->client, name, &o, e))
		return 0;
	if (e->code != ERR_NOT_FOUND)
		return -1;
	out->result = &MISSING;
	tally_not_found(topics, name, e);
	return a->if_exists ? 0 : -1;
}

int
run_delete(void *args, int argc, char **argv, struct err *e)
{
	static const struct question sure = { "delete", " with all records?" };

	return tally_each(args, argc, argv, &sure, delete_one, e);
}

/* Adds partitions up to the number wanted; there already is no error. */
static int
alter_partitions(struct args *a, struct admin_topics *topics,
	const char *name, const struct admin_options *o, struct err *e)
{
	const struct admin_topic *t = admin_topics_find(topics, name);

	if (!t)
		return tally_not_found(topics, name, e);
	if (a->partitions < 0 || a->partitions == t->partitions_n)
		return 0;
	if (a->partitions < t->partitions_n)
		return err_set(e, ERR_FAILED, "has %d partitions, and they cannot "
			"be taken away (copy it to a new topic)", t->partitions_n);
	return admin_add_partitions(a->client, name, (int)a->partitions, o, e);
}

static int
alter_one(struct args *a, struct admin_topics *topics, const char *name,
	struct outcome *out, struct err *e)
{
	const struct admin_options o = { a->timeout_ms, a->dry_run };

	out->result = &ALTERED;
	return alter_partitions(a, topics, name, &o, e) || (a->configs.n &&
		admin_alter(a->client, name, a->changes, a->configs.n, &o, e)) ?
		-1 : 0;
}

int
run_alter(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;

	if (a->partitions < 0 && !a->configs.n)
		return err_set(e, ERR_USAGE, "nothing to alter (-p N adds "
			"partitions, -c NAME=VALUE sets, -c NAME- unsets)");
	return tally_each(a, argc, argv, NULL, alter_one, e);
}

/* ---- the options ---- */

const struct opt create_options[] = {
	{ 'p', "partitions", OPT_INT, AT(partitions), "N",
		.help = "partitions (default: the broker's)", .min = 1, .max = INT_MAX },
	{ 'r', "replicas", OPT_INT, AT(replicas), "N",
		.help = "replicas of each (default: the broker's)",
		.min = 1, .max = INT16_MAX },
	{ 'c', "set", OPT_LIST, AT(configs), "NAME=VALUE",
		.help = "set a config: retention.ms=7d, max.message.bytes=4M" },
	{ 0, "if-not-exists", OPT_FLAG, AT(if_not_exists),
		.help = "one that exists already is no error" },
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run), .help = "have it checked only" },
	OPT_END
};

const struct opt delete_options[] = {
	{ 0, "if-exists", OPT_FLAG, AT(if_exists),
		.help = "one that does not exist is no error" },
	{ 'y', "yes", OPT_FLAG, AT(yes), .help = "do not ask" },
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run), .help = "only say what would go" },
	OPT_END
};

const struct opt alter_options[] = {
	{ 'p', "partitions", OPT_INT, AT(partitions), "N",
		.help = "add partitions, up to this many", .min = 1, .max = INT_MAX },
	{ 'c', "set", OPT_LIST, AT(configs), "NAME=VALUE",
		.help = "set a config; NAME- goes back to the default" },
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run), .help = "have it checked only" },
	OPT_END
};
