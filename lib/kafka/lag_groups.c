/*
 * lag_groups.c - which groups are measured, and what is known of them before
 * any offset is.
 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "base/xalloc.h"
#include "kafka/lag_pass.h"

/* What the user named: literal names, and expressions that begin with '^'. */
struct wanted {
	const struct lag_measure_options *o;
	regex_t *expressions; /* one a name; unused where it is literal */
	bool *found;          /* of each name */
	int compiled;
};

static int
wanted_init(struct wanted *w, const struct lag_measure_options *o, struct err *e)
{
	*w = (struct wanted){ .o = o };
	w->expressions = xcalloc((size_t)o->names_n, sizeof(*w->expressions));
	w->found = xcalloc((size_t)o->names_n, sizeof(*w->found));
	for (int i = 0; i < o->names_n; i++, w->compiled++)
		if (o->names[i][0] == '^' && regcomp(&w->expressions[i],
		    o->names[i], REG_EXTENDED | REG_NOSUB))
			return err_set(e, ERR_USAGE,
				"'%s' is not a regular expression", o->names[i]);
	return 0;
}

static void
wanted_release(struct wanted *w)
{
	for (int i = 0; i < w->compiled; i++)
		if (w->o->names[i][0] == '^')
			regfree(&w->expressions[i]);
	free(w->expressions);
	free(w->found);
}

static bool
is_wanted(struct wanted *w, const char *name)
{
	bool yes = !w->o->names_n;

	for (int i = 0; i < w->o->names_n; i++) {
		const char *want = w->o->names[i];

		if (want[0] == '^' ? regexec(&w->expressions[i], name, 0, NULL, 0)
		    : strcmp(want, name))
			continue;
		w->found[i] = yes = true;
	}
	return yes;
}

/* ---- a group becomes one of the snapshot --------------------------------------- */

static const char *
copy(struct lag_snapshot *s, const char *text)
{
	return arena_copy(&s->arena, slice_str(text)).data;
}

/* A row of every partition that a member owns; commits come later. */
static void
add_assigned(struct lag_pass *pass, struct lag_group *to, const struct group *g)
{
	struct lag_topic *topic = NULL;
	int n = 0;

	for (int i = 0; i < g->members_n; i++)
		n += g->members[i].assigned_n;
	to->partitions = arena_array(&pass->s->arena, (size_t)n,
		sizeof(*to->partitions));
	for (int i = 0; i < g->members_n; i++) {
		const struct group_member *m = &g->members[i];

		for (int k = 0; k < m->assigned_n; k++) {
			const struct group_assigned *a = &m->assigned[k];
			struct lag_partition *p =
				&to->partitions[to->partitions_n++];

			if (!topic || strcmp(topic->name, a->topic))
				topic = lag_topic(pass->s, slice_str(a->topic));
			*p = lag_row(topic, a->partition);
			p->member = &to->members[i];
		}
	}
}

static void
add_members(struct lag_snapshot *s, struct lag_group *to, const struct group *g)
{
	to->members_n = g->members_n;
	to->members = arena_array(&s->arena,
		g->members_n > 0 ? (size_t)g->members_n : 0, sizeof(*to->members));
	for (int i = 0; i < g->members_n; i++) {
		const struct group_member *m = &g->members[i];

		to->members[i] = (struct lag_member){
			.id = copy(s, m->id), .client_id = copy(s, m->client_id),
			.host = copy(s, m->host),
			.instance_id = m->instance_id ? copy(s, m->instance_id) : NULL,
			.partitions_n = m->assigned_n
		};
	}
}

static enum lag_reason
reason_of(const struct group *g)
{
	if (!g->why)
		return LAG_NO_REASON;
	return g->why->code == ERR_REFUSED ? LAG_UNAUTHORIZED :
		g->why->code == ERR_TEMPORARY ? LAG_TIMEOUT : LAG_ERROR;
}

static void
add_group(struct lag_pass *pass, const struct group *g)
{
	struct lag_snapshot *s = pass->s;
	struct lag_group *to = &s->groups[s->groups_n++];

	*to = (struct lag_group){
		.name = copy(s, g->name), .state = copy(s, g->state),
		.protocol = copy(s, g->protocol),
		.assignor = copy(s, g->assignor),
		.coordinator = copy(s, g->coordinator),
		.coordinator_id = g->coordinator_id, .reason = reason_of(g),
		.error = g->why ? copy(s, g->why->msg) : NULL
	};
	add_members(s, to, g);
	add_assigned(pass, to, g);
}

/* ---- groups that are named ------------------------------------------------------ */

/* The member with its instance id, where a describe of the group told one. */
static void
add_instances(struct lag_snapshot *s, struct lag_group *to, const struct group *g)
{
	for (int i = 0; i < to->members_n; i++)
		for (int k = 0; k < g->members_n; k++)
			if (g->members[k].instance_id &&
			    !strcmp(g->members[k].id, to->members[i].id))
				to->members[i].instance_id =
					copy(s, g->members[k].instance_id);
}

/*
 * Brokers leave out of their lists what the user may not describe: a named
 * group that is not listed is asked for, so that its row can tell why.
 */
static void
add_unlisted(struct lag_pass *pass, const struct group *g)
{
	struct group gone = *g;

	add_group(pass, &gone);
	if (!g->why)
		pass->s->groups[pass->s->groups_n - 1].reason = LAG_GROUP_GONE;
}

static const char **
names_to_describe(struct lag_pass *pass, const struct wanted *w, int *n)
{
	const struct lag_snapshot *s = pass->s;
	const char **names = xcalloc((size_t)(s->groups_n + w->o->names_n),
		sizeof(*names));

	*n = 0;
	for (int i = 0; pass->o->with_instances && i < s->groups_n; i++)
		if (s->groups[i].members_n > 0)
			names[(*n)++] = s->groups[i].name;
	for (int i = 0; i < w->o->names_n; i++) {
		bool again = false;

		for (int k = 0; k < i; k++)
			again |= !strcmp(w->o->names[k], w->o->names[i]);
		if (!w->found[i] && !again && w->o->names[i][0] != '^')
			names[(*n)++] = w->o->names[i];
	}
	return names;
}

static int
by_name(const void *name, const void *g)
{
	return strcmp(name, ((const struct lag_group *)g)->name);
}

static struct lag_group *
find_listed(const struct lag_snapshot *s, int listed_n, const char *name)
{
	return bsearch(name, s->groups, (size_t)listed_n, sizeof(*s->groups),
		by_name);
}

/* Whether those that are not listed are there, is not known. */
static void
fail_unlisted(struct lag_pass *pass, const char *const *names, int n,
	int listed_n, struct err *why)
{
	struct lag_snapshot *s = pass->s;

	for (int i = 0; i < n; i++)
		if (!find_listed(s, listed_n, names[i]))
			add_group(pass, &(struct group){ .name = names[i],
				.state = "", .protocol = "", .assignor = "",
				.coordinator = "", .coordinator_id = -1,
				.why = why });
	s->partial = true;
	s->partial_why = copy(s, why->msg);
}

/* What only a describe of each group tells; without it, rows lack instances. */
static void
describe(struct lag_pass *pass, const struct wanted *w)
{
	struct lag_snapshot *s = pass->s;
	struct groups described = { 0 };
	struct err e = ERR_INIT;
	int n, listed_n = s->groups_n;
	const char **names = names_to_describe(pass, w, &n);

	if (n && groups_describe(pass->client, names, n, lag_share_ms(pass),
	    &described, &e))
		fail_unlisted(pass, names, n, listed_n, &e);
	for (int i = 0; i < described.n; i++) {
		const struct group *g = &described.items[i];
		struct lag_group *listed = find_listed(s, listed_n, g->name);

		if (listed)
			add_instances(s, listed, g);
		else
			add_unlisted(pass, g);
	}
	groups_release(&described);
	free(names);
}

/* A name that is not there may be a slip: of all that are, not only those wanted. */
static void
name_near(struct lag_snapshot *s, const struct groups *listed)
{
	for (int i = 0; i < s->groups_n; i++) {
		struct lag_group *g = &s->groups[i];
		struct near near = near_init(slice_str(g->name));

		if (g->reason != LAG_GROUP_GONE)
			continue;
		for (int k = 0; k < listed->n; k++)
			near_offer(&near, listed->items[k].name);
		g->near = near.name ? copy(s, near.name) : NULL;
	}
}

int
lag_groups(struct lag_pass *pass, struct err *e)
{
	struct lag_snapshot *s = pass->s;
	struct groups listed = { 0 };
	struct wanted w;
	int ret = -1;

	if (wanted_init(&w, pass->o, e) ||
	    groups_list(pass->client, lag_share_ms(pass), &listed, e))
		goto out;
	s->groups = arena_array(&s->arena, (size_t)(listed.n + pass->o->names_n),
		sizeof(*s->groups));
	for (int i = 0; i < listed.n; i++)
		if (is_wanted(&w, listed.items[i].name))
			add_group(pass, &listed.items[i]);
	if (listed.partial) {
		s->partial = true;
		s->partial_why = "not every broker listed its groups in time";
	}
	describe(pass, &w);
	name_near(s, &listed);
	ret = 0;
out:
	groups_release(&listed);
	wanted_release(&w);
	return ret;
}
