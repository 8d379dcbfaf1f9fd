/* change.c - kc-topics: topics are made, deleted, altered. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "cli/prompt.h"
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

int
confirm(const struct args *a, const char *before, const char *after, int argc,
	char **argv, struct err *e)
{
	struct buf question = BUF_INIT;
	int ret;

	if (a->yes || a->dry_run)
		return 0;
	buf_addf(&question, "%s topic%s", before, argc == 1 ? "" : "s");
	for (int i = 0; i < argc; i++)
		buf_addf(&question, "%s '%s'", i ? "," : "", argv[i]);
	buf_addstr(&question, after);
	ret = prompt_yes(buf_cstr(&question), e);
	buf_release(&question);
	return ret;
}

/* ---- the verbs ---- */

static const struct result *
create_one(struct args *a, const char *name, struct err *e)
{
	const struct admin_options o = { a->timeout_ms, a->dry_run };

	if (admin_create(a->client, name, (int)a->partitions, (int)a->replicas,
	    a->changes, a->configs.n, &o, e))
		return a->if_not_exists && e->code == ERR_EXISTS ? &EXISTS : NULL;
	if (!a->dry_run && admin_await(a->client, name, a->timeout_ms, e))
		return NULL;
	return &CREATED;
}

int
run_create(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct tally t = { 0 };

	for (int i = 0; i < argc; i++) {
		struct err why = ERR_INIT;

		tally_add(&t, a, argv[i], create_one(a, argv[i], &why), argc > 1, &why);
	}
	return tally_finish(&t, e);
}

static const struct result *
delete_one(struct args *a, const struct admin_topics *topics, const char *name,
	struct err *e)
{
	const struct admin_options o = { a->timeout_ms, a->dry_run };

	if (a->dry_run && !admin_topics_find(topics, name))
		e->code = ERR_NOT_FOUND;
	else if (!admin_delete(a->client, name, &o, e))
		return &DELETED;
	if (e->code != ERR_NOT_FOUND)
		return NULL;
	tally_not_found(topics, name, e);
	return a->if_exists ? &MISSING : NULL;
}

int
run_delete(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct admin_topics topics = { 0 };
	struct tally t = { 0 };

	if (admin_topics(a->client, a->timeout_ms, &topics, e))
		return -1;
	for (int i = 0; i < argc; i++) {
		struct err why = ERR_INIT;

		tally_add(&t, a, argv[i], delete_one(a, &topics, argv[i], &why),
			argc > 1, &why);
	}
	admin_topics_release(&topics);
	return tally_finish(&t, e);
}

/* Adds partitions up to the number wanted; there already is no error. */
static int
alter_partitions(struct args *a, const struct admin_topics *topics,
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

int
run_alter(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	const struct admin_options o = { a->timeout_ms, a->dry_run };
	struct admin_topics topics = { 0 };
	struct tally t = { 0 };

	if (a->partitions < 0 && !a->configs.n)
		return err_set(e, ERR_USAGE, "nothing to alter (-p N adds "
			"partitions, -c NAME=VALUE sets, -c NAME- unsets)");
	if (admin_topics(a->client, a->timeout_ms, &topics, e))
		return -1;
	for (int i = 0; i < argc; i++) {
		struct err why = ERR_INIT;
		bool ok = !alter_partitions(a, &topics, argv[i], &o, &why) &&
			(!a->configs.n || !admin_alter(a->client, argv[i],
			a->changes, a->configs.n, &o, &why));

		tally_add(&t, a, argv[i], ok ? &ALTERED : NULL, argc > 1, &why);
	}
	admin_topics_release(&topics);
	return tally_finish(&t, e);
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
