/* list.c - kc-lag list: which groups there are. */
#include <string.h>
#include <strings.h>

#include "cli/json.h"
#include "cli/term.h"
#include "kafka/groups.h"
#include "verbs.h"

static void
list_json(struct args *a, const struct group *g)
{
	struct json *j = json_object();

	json_add_str(j, "group", g->name);
	if (*g->state)
		json_add_str(j, "state", g->state);
	if (*g->protocol)
		json_add_str(j, "protocol", g->protocol);
	if (g->members_n >= 0)
		json_add_int(j, "members", g->members_n);
	json_add_str(j, "coordinator", g->coordinator);
	json_print(&a->out.buf, j);
	json_free(j);
}

static void
list_row(struct out_table *t, const struct group *g)
{
	out_table_cell(t, "%s", g->name);
	out_table_cell(t, "%s", *g->state ? g->state : "-");
	out_table_cell(t, "%s", *g->protocol ? g->protocol : "-");
	if (g->members_n < 0)
		out_table_cell(t, "-");
	else
		out_table_cell(t, "%d", g->members_n);
	out_table_cell(t, "%s", g->coordinator);
}

/* "empty,stable"; case does not matter. */
static bool
has_state(const char *states, const char *state)
{
	size_t n;

	for (const char *p = states; *p; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n == strlen(state) && !strncasecmp(p, state, n))
			return true;
	}
	return false;
}

int
run_list(void *args, int argc, char **argv, struct err *e)
{
	static const char *const columns[] = { "GROUP", "STATE", "PROTOCOL",
		"MEMBERS", "COORDINATOR" };
	struct args *a = args;
	struct groups groups = { 0 };
	struct out_table *table;
	int ret = 0;

	(void)argv;
	if (argc)
		return err_set(e, ERR_USAGE, "list takes no arguments "
			"(kc-lag '^regex' shows the lag of some groups)");
	if (open_client(a, false, e) ||
	    groups_list(a->client, a->timeout_ms, &groups, e))
		return -1;
	table = out_table_new(columns, 5);
	out_table_right(table, 3);
	for (int i = 0; i < groups.n; i++)
		if (a->states && !has_state(a->states, groups.items[i].state))
			continue;
		else if (a->json)
			list_json(a, &groups.items[i]);
		else
			list_row(table, &groups.items[i]);
	if (!a->json)
		ret = out_table_print(table, &a->out, term_is_tty(a->out.fd), e);
	if (!ret && groups.partial)
		ret = err_set(e, ERR_NO, "partial: not every broker listed its "
			"groups in time (raise --timeout)");
	out_table_free(table);
	groups_release(&groups);
	return ret;
}

const struct opt list_options[] = {
	{ 0, "state", OPT_STRING, AT(states), "STATE,...",
		.help = "only groups in these states: empty, stable, ..." },
	OPT_END
};
