/*
 * kc-topics - topics: list, show, create, delete, alter.
 *
 * What is asked for goes to stdout: a table on a terminal, tab separated
 * lines in a pipe, JSON with --json. What was done is told on stderr.
 */
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/near.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "cli/conf.h"
#include "cli/diag.h"
#include "cli/json.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/prompt.h"
#include "cli/term.h"
#include "cli/tool.h"
#include "kafka/admin.h"
#include "kafka/client.h"
#include "kafka/topic_print.h"

struct args {
	struct conf_args conf;
	struct opt_list configs;
	int64_t partitions, replicas; /* -1 = not given */
	bool json, all, dry_run, yes, if_exists, if_not_exists;

	/* what the verbs work with */
	struct client *client;
	struct out out;
	int timeout_ms;
	struct admin_change *changes; /* of -c */
	char **change_texts;          /* what changes point into */
};

/* ---- results of one topic --------------------------------------------------- */

/* What became of the topics named; decides the exit status. */
struct tally {
	int done, failed;
	bool same_code;
	struct err last;
};

static int
finish_tally(const struct tally *t, struct err *e)
{
	if (!t->failed)
		return 0;
	if (t->failed == 1 && !t->done) {
		*e = t->last;
		return -1;
	}
	return err_set(e, t->done ? ERR_PARTIAL : t->same_code ? t->last.code :
		ERR_FAILED, "%d of %d topics failed", t->failed,
		t->failed + t->done);
}

/* What can become of a topic: for JSON, and around its name in a sentence. */
static const struct result {
	const char *name, *before, *before_dry, *after;
} CREATED = { "created", "created ", "would create ", "" },
	EXISTS = { "exists", "", "", " exists already" },
	DELETED = { "deleted", "deleted ", "would delete ", "" },
	MISSING = { "missing", "", "", " does not exist" },
	ALTERED = { "altered", "altered ", "would alter ", "" },
	FAILED = { "failed", "", "", "" };

/* A note for people, or {"topic":"x","result":"created"}. */
static void
tell(struct args *a, const char *topic, const struct result *result,
	const char *error)
{
	struct json *j;

	if (!a->json) {
		if (!error)
			diag_note("%stopic '%s'%s", a->dry_run ?
				result->before_dry : result->before, topic,
				result->after);
		return;
	}
	j = json_object();
	json_add_str(j, "topic", topic);
	json_add_str(j, "result", result->name);
	if (a->dry_run)
		json_add_bool(j, "dry_run", true);
	if (error)
		json_add_str(j, "error", error);
	json_print(&a->out.buf, j);
	json_free(j);
}

/* many: more topics were named, so each one's error is told at once. */
static void
count_failed(struct args *a, struct tally *t, const char *topic, bool many,
	struct err *why)
{
	tell(a, topic, &FAILED, why->msg);
	err_wrap(why, "topic '%s'", topic);
	if (many)
		diag_error("%s", why->msg);
	t->same_code = !t->failed || (t->same_code && t->last.code == why->code);
	t->failed++;
	t->last = *why;
}

static void
count(struct args *a, struct tally *t, const char *topic,
	const struct result *result, bool many, struct err *why)
{
	if (!result) {
		count_failed(a, t, topic, many, why);
		return;
	}
	t->done++;
	tell(a, topic, result, NULL);
}

/* ---- list ------------------------------------------------------------------- */

/* A glob, or a regular expression when it begins with '^'. */
static int
matches(const char *pattern, const char *name, bool *yes, struct err *e)
{
	regex_t re;

	if (pattern[0] != '^') {
		*yes = !fnmatch(pattern, name, 0);
		return 0;
	}
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
		return err_set(e, ERR_USAGE,
			"'%s' is not a regular expression", pattern);
	*yes = !regexec(&re, name, 0, NULL, 0);
	regfree(&re);
	return 0;
}

static int
is_wanted(const struct args *a, const char *name, int n, char **patterns,
	bool *yes, struct err *e)
{
	bool hidden = admin_is_internal(name) && !a->all;

	*yes = !n && !hidden;
	for (int i = 0; i < n && !*yes; i++) {
		const char *p = patterns[i];

		if (matches(p, name, yes, e))
			return -1;
		/* '*' is not meant for them, '__*' is */
		if (hidden && p[strspn(p, "^")] != '_')
			*yes = false;
	}
	return 0;
}

static void
list_json(struct args *a, const struct admin_topic *t)
{
	struct json *j = json_object();

	json_add_str(j, "topic", t->name);
	json_add_int(j, "partitions", t->partitions_n);
	json_add_int(j, "replicas", topic_print_replicas(t));
	json_add_bool(j, "internal", admin_is_internal(t->name));
	json_print(&a->out.buf, j);
	json_free(j);
}

static int
run_list(void *args, int argc, char **argv, struct err *e)
{
	static const char *const columns[] = { "TOPIC", "PARTITIONS", "REPLICAS" };
	struct args *a = args;
	struct admin_topics topics = { 0 };
	struct out_table *table;
	int ret = -1;

	if (admin_topics(a->client, a->timeout_ms, &topics, e))
		return -1;
	table = out_table_new(columns, 3);
	out_table_right(table, 1);
	out_table_right(table, 2);
	for (int i = 0; i < topics.n; i++) {
		const struct admin_topic *t = &topics.items[i];
		bool yes;

		if (is_wanted(a, t->name, argc, argv, &yes, e))
			goto out;
		if (yes && a->json) {
			list_json(a, t);
		} else if (yes) {
			out_table_cell(table, "%s", t->name);
			out_table_cell(table, "%d", t->partitions_n);
			out_table_cell(table, "%d", topic_print_replicas(t));
		}
	}
	ret = a->json ? 0 : out_table_print(table, &a->out,
		term_is_tty(a->out.fd), e);
out:
	out_table_free(table);
	admin_topics_release(&topics);
	return ret;
}

/* ---- show ------------------------------------------------------------------- */

static int
not_found(const struct admin_topics *topics, const char *name, struct err *e)
{
	struct near near = near_init(slice_str(name));

	for (int i = 0; i < topics->n; i++)
		near_offer(&near, topics->items[i].name);
	return near.name
		? err_set(e, ERR_NOT_FOUND, "does not exist (did you mean '%s'?)",
			near.name)
		: err_set(e, ERR_NOT_FOUND, "does not exist (kc-topics lists them)");
}

static int
show_one(struct args *a, const struct admin_topics *topics, const char *name,
	bool first, struct err *e)
{
	struct admin_topic *t = admin_topics_find(topics, name);
	struct admin_configs k = { 0 };
	int ret = 0;

	if (!t)
		return not_found(topics, name, e);
	if (admin_offsets(a->client, a->timeout_ms, t, e))
		return -1;
	/* who may read the topic but not its configs still gets the rest */
	if (admin_configs(a->client, ADMIN_TOPIC, name, a->timeout_ms, &k, e)) {
		if (e->code != ERR_REFUSED)
			return -1;
		diag_warn("configs of topic '%s': %s", name, e->msg);
	}
	if (a->json)
		topic_print_json(&a->out.buf, t, &k, a->all);
	else
		ret = topic_print_table(&a->out, t, &k, a->all, first, e);
	admin_configs_release(&k);
	return ret;
}

static int
run_show(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct admin_topics topics = { 0 };
	struct tally t = { 0 };

	if (admin_topics(a->client, a->timeout_ms, &topics, e))
		return -1;
	for (int i = 0; i < argc; i++) {
		struct err why = ERR_INIT;

		if (!show_one(a, &topics, argv[i], !i, &why))
			t.done++;
		else
			count_failed(a, &t, argv[i], argc > 1, &why);
	}
	admin_topics_release(&topics);
	return finish_tally(&t, e);
}

/* ---- create, delete, alter -------------------------------------------------- */

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

static int
run_create(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct tally t = { 0 };

	for (int i = 0; i < argc; i++) {
		struct err why = ERR_INIT;

		count(a, &t, argv[i], create_one(a, argv[i], &why), argc > 1, &why);
	}
	return finish_tally(&t, e);
}

static int
confirm_delete(const struct args *a, int argc, char **argv, struct err *e)
{
	struct buf question = BUF_INIT;
	int ret;

	if (a->yes || a->dry_run)
		return 0;
	buf_addf(&question, "delete topic%s", argc == 1 ? "" : "s");
	for (int i = 0; i < argc; i++)
		buf_addf(&question, "%s '%s'", i ? "," : "", argv[i]);
	buf_addstr(&question, " with all records?");
	ret = prompt_yes(buf_cstr(&question), e);
	buf_release(&question);
	return ret;
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
	not_found(topics, name, e);
	return a->if_exists ? &MISSING : NULL;
}

static int
run_delete(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct admin_topics topics = { 0 };
	struct tally t = { 0 };

	if (admin_topics(a->client, a->timeout_ms, &topics, e))
		return -1;
	for (int i = 0; i < argc; i++) {
		struct err why = ERR_INIT;

		count(a, &t, argv[i], delete_one(a, &topics, argv[i], &why),
			argc > 1, &why);
	}
	admin_topics_release(&topics);
	return finish_tally(&t, e);
}

/* Adds partitions up to the number wanted; there already is no error. */
static int
alter_partitions(struct args *a, const struct admin_topics *topics,
	const char *name, const struct admin_options *o, struct err *e)
{
	const struct admin_topic *t = admin_topics_find(topics, name);

	if (!t)
		return not_found(topics, name, e);
	if (a->partitions < 0 || a->partitions == t->partitions_n)
		return 0;
	if (a->partitions < t->partitions_n)
		return err_set(e, ERR_FAILED, "has %d partitions, and they cannot "
			"be taken away (copy it to a new topic)", t->partitions_n);
	return admin_add_partitions(a->client, name, (int)a->partitions, o, e);
}

static int
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

		count(a, &t, argv[i], ok ? &ALTERED : NULL, argc > 1, &why);
	}
	admin_topics_release(&topics);
	return finish_tally(&t, e);
}

/* ---- the options ------------------------------------------------------------ */

#define AT(member) offsetof(struct args, member)

static const struct opt options[] = {
	{ 0, "json", OPT_FLAG, AT(json), .help = "one JSON object a line" },
	OPT_END
};

static const struct opt list_options[] = {
	{ 'a', "all", OPT_FLAG, AT(all), .help = "Kafka's internal topics too" },
	OPT_END
};

static const struct opt show_options[] = {
	{ 'a', "all", OPT_FLAG, AT(all), .help = "all configs, defaults too" },
	OPT_END
};

static const struct opt create_options[] = {
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

static const struct opt delete_options[] = {
	{ 0, "if-exists", OPT_FLAG, AT(if_exists),
		.help = "one that does not exist is no error" },
	{ 'y', "yes", OPT_FLAG, AT(yes), .help = "do not ask" },
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run), .help = "only say what would go" },
	OPT_END
};

static const struct opt alter_options[] = {
	{ 'p', "partitions", OPT_INT, AT(partitions), "N",
		.help = "add partitions, up to this many", .min = 1, .max = INT_MAX },
	{ 'c', "set", OPT_LIST, AT(configs), "NAME=VALUE",
		.help = "set a config; NAME- goes back to the default" },
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run), .help = "have it checked only" },
	OPT_END
};

static const struct opt_command commands[] = {
	{ "list", "[PATTERN...]", "names, partitions, replicas (the default verb)",
		list_options, run_list },
	{ "show", "TOPIC...", "partitions, offsets and configs", show_options, run_show },
	{ "create", "TOPIC...", "make topics", create_options, run_create },
	{ "delete", "TOPIC...", "delete topics with all their records",
		delete_options, run_delete },
	{ "alter", "TOPIC...", "add partitions, set configs", alter_options, run_alter },
	{ 0 }
};

static const char *const usage[] = {
	"[list [-a] [PATTERN...]]",
	"show [-a] TOPIC...",
	"create [-p N] [-r N] [-c NAME=VALUE] TOPIC...",
	"delete [-y] TOPIC...",
	"alter [-p N] [-c NAME=VALUE] [-c NAME-] TOPIC...",
	NULL
};

static const char *const examples[] = {
	"kc-topics create orders -p 6 -c retention.ms=7d",
	"kc-topics alter orders -c retention.ms=30d -c cleanup.policy-",
	"kc-topics show orders --json | jq .configs",
	"kc-topics list 'tmp-*' | cut -f1 | xargs kc-topics delete --yes",
	NULL
};

static const struct opt_program program = {
	.name = "kc-topics", .summary = "Lists, shows, makes, alters and deletes topics.",
	.usage = usage, .options = options, .common = conf_options,
	.common_at = AT(conf), .commands = commands, .default_command = "list",
	.examples = examples,
	.section = 1, .librdkafka = client_library_version,
};

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

/* What can be wrong without asking a broker. */
static int
check_args(struct args *a, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	bool names = verb->run != run_list;

	if (names && !argc)
		return err_set(e, ERR_USAGE, "%s needs a topic (kc-topics %s %s)",
			verb->name, verb->name, verb->args);
	for (int i = 0; names && i < argc; i++)
		if (admin_check_name(slice_str(argv[i]), e))
			return -1;
	a->changes = xcalloc((size_t)a->configs.n, sizeof(*a->changes));
	a->change_texts = xcalloc(2 * (size_t)a->configs.n, sizeof(char *));
	for (int i = 0; i < a->configs.n; i++)
		if (parse_change(a, i, verb->run == run_alter, e))
			return -1;
	return verb->run == run_delete ? confirm_delete(a, argc, argv, e) : 0;
}

static int
run(void *args, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	struct args *a = args;
	struct conf conf = { 0 };
	int ret = -1;

	if (conf_load(&conf, &a->conf, e))
		goto out;
	client_defaults(&conf, CLIENT_ADMIN);
	if (conf_wants_list(&a->conf) || conf_wants_dump(&a->conf)) {
		ret = conf_wants_list(&a->conf) ? client_list_properties(e) :
			conf_dump(&conf, e);
		goto out;
	}
	a->timeout_ms = a->conf.timeout_ms < 0 ? 30000 :
		a->conf.timeout_ms > 3600000 ? 3600000 : (int)a->conf.timeout_ms;
	if (check_args(a, verb, argc, argv, e) ||
	    client_open(&a->client, &conf, CLIENT_ADMIN, NULL, e) ||
	    client_wait(a->client, a->timeout_ms, e))
		goto out;
	out_init(&a->out, STDOUT_FILENO);
	a->out.color = term_color(STDOUT_FILENO, a->conf.color);
	ret = verb->run(a, argc, argv, e);
	if (out_close(&a->out, ret ? &(struct err)ERR_INIT : e))
		ret = -1;
out:
	client_close(a->client);
	conf_release(&conf);
	for (int i = 0; a->change_texts && i < 2 * a->configs.n; i++)
		free(a->change_texts[i]);
	free(a->change_texts);
	free(a->changes);
	return ret;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .partitions = -1, .replicas = -1 };

	return tool_main(&program, &a, run, argc, argv);
}
