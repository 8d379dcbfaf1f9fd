#include "kafka/group_find.h"

#include <poll.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/near.h"
#include "base/xalloc.h"
#include "cli/sig.h"

bool
group_exists(const struct group *g)
{
	return g->why || strcmp(g->state, "Dead") || *g->protocol;
}

bool
group_is_share(const struct group *g)
{
	return !strcmp(g->protocol, "share") ||
		(!*g->protocol && g->members_n < 0 && !g->why);
}

/* ---- who it is -------------------------------------------------------------- */

/* The first few members; a group can have hundreds. */
static void
name_members(struct buf *out, const struct group *g)
{
	enum { SHOWN = 5 };

	for (int i = 0; i < g->members_n && i < SHOWN; i++) {
		const struct group_member *m = &g->members[i];

		buf_addf(out, "%s%s%s%s%s (client '%s', host %s)", i ? ", " : "",
			m->id, m->instance_id ? " = '" : "",
			m->instance_id ? m->instance_id : "",
			m->instance_id ? "'" : "", m->client_id, m->host);
	}
	if (g->members_n > SHOWN)
		buf_addf(out, " and %d more", g->members_n - SHOWN);
}

int
group_check_idle(const struct group *g, struct err *e)
{
	struct buf text = BUF_INIT;

	if (g->why) {
		*e = *g->why;
		return err_wrap(e, "group '%s'", g->name);
	}
	if (group_is_share(g))
		return err_set(e, ERR_REFUSED, "group '%s' is a share or streams "
			"group: brokers keep its positions, it is not for kc-lag to "
			"change (see Kafka's kafka-share-groups.sh and "
			"kafka-streams-groups.sh)", g->name);
	if (!g->members_n)
		return 0;
	if (g->members_n < 0)
		return err_set(e, ERR_REFUSED, "group '%s' has members, which would "
			"commit over it (stop them first; it is of the new protocol, "
			"and librdkafka %s cannot name them)", g->name,
			client_library_version());
	name_members(&text, g);
	err_set(e, ERR_REFUSED, "group '%s' has %d member%s, which would commit "
		"over it: %s (stop %s first)", g->name, g->members_n,
		g->members_n == 1 ? "" : "s", buf_cstr(&text),
		g->members_n == 1 ? "it" : "them");
	buf_release(&text);
	return -1;
}

int
group_missing(const struct groups *l, const char *name, enum err_code code,
	struct err *e)
{
	struct near near = near_init(slice_str(name));

	for (int i = 0; l && i < l->n; i++)
		if (strcmp(l->items[i].name, name))
			near_offer(&near, l->items[i].name);
	return near.name ? err_set(e, code, "group '%s' does not exist (did you "
		"mean '%s'?)", name, near.name) : err_set(e, code, "group '%s' "
		"does not exist (kc-lag list shows all)", name);
}

/* ---- finding ---------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct group *)a)->name,
		((const struct group *)b)->name);
}

/* Copies the pointers: the list's memory stays with it. */
static void
keep(struct groups *l, int *kept, const struct group *g)
{
	for (int i = 0; i < *kept; i++)
		if (!strcmp(l->items[i].name, g->name))
			return;
	l->items[(*kept)++] = *g;
}

/*
 * Of all groups, those that the names mean. Literal names that are not
 * listed stay as groups that do not exist.
 */
static int
filter(struct groups *l, char **names, int n, struct err *e)
{
	struct groups all = *l;
	int kept = 0;

	l->items = arena_array(&l->arena, (size_t)(all.n + n), sizeof(*l->items));
	for (int i = 0; i < n; i++) {
		struct group missing = { .name = arena_copy(&l->arena,
			slice_str(names[i])).data, .state = "Dead",
			.protocol = "", .assignor = "", .coordinator = "",
			.coordinator_id = -1 };
		const struct group *g;
		regex_t re;

		if (names[i][0] != '^') {
			g = groups_find(&all, names[i]);
			keep(l, &kept, g ? g : &missing);
			continue;
		}
		if (regcomp(&re, names[i], REG_EXTENDED | REG_NOSUB))
			return err_set(e, ERR_USAGE, "'%s' is not a regular "
				"expression", names[i]);
		for (int k = 0; k < all.n; k++)
			if (!regexec(&re, all.items[k].name, 0, NULL, 0))
				keep(l, &kept, &all.items[k]);
		regfree(&re);
	}
	l->n = kept;
	if (kept)
		qsort(l->items, (size_t)kept, sizeof(*l->items), by_name);
	return 0;
}

static int
list_whole(struct client *c, int timeout_ms, struct groups *out, struct err *e)
{
	if (groups_list(c, timeout_ms, out, e))
		return -1;
	return out->partial ? err_set(e, ERR_TEMPORARY, "not every broker "
		"listed its groups in time (raise --timeout)") : 0;
}

/* Dead may be of the new protocol: the list of all knows better. */
static int
check_dead(struct client *c, struct groups *l, int timeout_ms, struct err *e)
{
	struct groups all = { 0 };
	bool dead = false;

	for (int i = 0; i < l->n; i++)
		dead |= !l->items[i].why && !strcmp(l->items[i].state, "Dead");
	if (!dead)
		return 0;
	if (list_whole(c, timeout_ms, &all, e)) {
		groups_release(&all);
		return -1;
	}
	for (int i = 0; i < l->n; i++) {
		struct group *g = &l->items[i];
		const struct group *listed = groups_find(&all, g->name);

		if (g->why || strcmp(g->state, "Dead"))
			continue;
		g->protocol = "";
		if (!listed)
			continue;
		g->state = arena_copy(&l->arena, slice_str(listed->state)).data;
		g->protocol = arena_copy(&l->arena,
			slice_str(listed->protocol)).data;
		g->members_n = listed->members_n;
	}
	groups_release(&all);
	return 0;
}

/* Some coordinator is loading, and will have its group in a moment. */
static bool
is_temporary(const struct groups *l)
{
	for (int i = 0; i < l->n; i++)
		if (l->items[i].why && l->items[i].why->code == ERR_TEMPORARY)
			return true;
	return false;
}

static int
describe(struct client *c, char **names, int n, int timeout_ms,
	struct groups *out, struct err *e)
{
	const struct clock *clock = clock_system();
	int64_t end = clock_mono_ms(clock) + timeout_ms;
	const char **once = xcalloc((size_t)n, sizeof(*once));
	int count = 0, ret;

	for (int i = 0; i < n; i++) {
		bool again = false;

		for (int k = 0; k < count; k++)
			again |= !strcmp(once[k], names[i]);
		if (!again)
			once[count++] = names[i];
	}
	ret = groups_describe(c, once, count, timeout_ms, out, e);
	for (int step = 50; !ret && is_temporary(out) && !sig_caught() &&
	    clock_mono_ms(clock) + step < end; step += step) {
		poll(&(struct pollfd){ sig_fd(), POLLIN, 0 }, 1, step);
		groups_release(out);
		ret = groups_describe(c, once, count,
			(int)(end - clock_mono_ms(clock)), out, e);
	}
	free(once);
	return ret || check_dead(c, out, timeout_ms, e) ? -1 : 0;
}

int
group_find(struct client *c, char **names, int n, int timeout_ms,
	struct groups *out, struct err *e)
{
	bool literal = n > 0;

	for (int i = 0; i < n; i++)
		literal &= names[i][0] != '^';
	if (literal)
		return describe(c, names, n, timeout_ms, out, e);
	if (list_whole(c, timeout_ms, out, e))
		return -1;
	return n ? filter(out, names, n, e) : 0;
}
