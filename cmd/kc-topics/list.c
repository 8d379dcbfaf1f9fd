/* list.c - kc-topics: which topics there are, and what one is like. */
#include <fnmatch.h>
#include <regex.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/json.h"
#include "cli/term.h"
#include "kafka/topic_print.h"
#include "tally.h"

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

int
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

static int
show_one(struct args *a, struct admin_topics *topics, const char *name,
	struct outcome *o, struct err *e)
{
	struct admin_topic *t = admin_topics_find(topics, name);
	struct admin_configs k = { 0 };
	int ret = 0;

	(void)o; /* what was asked for is what is told */
	if (!t)
		return tally_not_found(topics, name, e);
	if (admin_offsets_now(a->client, a->timeout_ms, t, e))
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
		ret = topic_print_table(&a->out, t, &k, a->all, !a->shown, e);
	a->shown = true;
	admin_configs_release(&k);
	return ret;
}

int
run_show(void *args, int argc, char **argv, struct err *e)
{
	return tally_each(args, argc, argv, NULL, show_one, e);
}

/* ---- the options ---- */

const struct opt list_options[] = {
	{ 'a', "all", OPT_FLAG, AT(all), .help = "Kafka's internal topics too" },
	OPT_END
};

const struct opt show_options[] = {
	{ 'a', "all", OPT_FLAG, AT(all), .help = "all configs, defaults too" },
	OPT_END
};
