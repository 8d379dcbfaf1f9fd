#include "kafka/lag_check.h"

#include "cli/diag.h"

static const char *const levels[] = { [LAG_CRITICAL] = "critical",
	[LAG_WARNING] = "warning" };

int
lag_check_init(struct lag_check *c, const char *critical, const char *warn,
	struct err *e)
{
	const char *const texts[] = { critical, warn };
	static const char *const options[] = { "--critical", "--warn" };

	for (int i = 0; i < 2; i++) {
		c->limits[i] = (struct lag_thresholds)LAG_THRESHOLDS_NONE;
		if (texts[i] && lag_thresholds_parse(slice_str(texts[i]),
		    &c->limits[i], e))
			return err_wrap(e, "option '%s'", options[i]);
	}
	return 0;
}

bool
lag_check_needs_age(const struct lag_check *c)
{
	return c->limits[0].age_ms >= 0 || c->limits[1].age_ms >= 0;
}

static int
check_ages(const struct lag_check *c, const struct lag_group *g, struct err *e)
{
	if (!lag_check_needs_age(c) || !lag_lacks_age(g))
		return 0;
	return err_set(e, ERR_NO, "the age of group '%s' could not be measured "
		"(raise --age-budget, or try --age search)", g->name);
}

/* The level that the group is over; 2 = none. */
static int
level_of(const struct lag_check *c, const struct lag_group *g)
{
	struct buf why = BUF_INIT;
	int level = 0;

	while (level < 2 && !lag_is_over(&c->limits[level], g, &why))
		level++;
	if (level < 2)
		diag_error("%s: group '%s': %s", levels[level], g->name,
			buf_cstr(&why));
	buf_release(&why);
	return level;
}

int
lag_check_limits(const struct lag_check *c, const struct lag_snapshot *s,
	struct err *e)
{
	int over[3] = { 0 }, unknown = 0;

	for (int i = 0; i < s->groups_n; i++) {
		const struct lag_group *g = &s->groups[i];

		if (g->reason == LAG_GROUP_GONE)
			continue;
		over[level_of(c, g)]++;
		if (!unknown)
			unknown = check_ages(c, g, e);
	}
	if (!over[0] && !over[1])
		return unknown;
	if (unknown)
		diag_error("%s", e->msg);
	return err_set(e, ERR_NO, "%d of %d groups over a limit, %d critical",
		over[0] + over[1], over[0] + over[1] + over[2], over[0]);
}

static int
missing_group(const struct lag_group *g, struct err *e)
{
	return g->near ? err_set(e, ERR_NO, "group '%s' does not exist "
		"(did you mean '%s'?)", g->name, g->near) :
		err_set(e, ERR_NO, "group '%s' does not exist (kc-lag lists them; "
		"or may you not describe it?)", g->name);
}

int
lag_check_complete(const struct lag_snapshot *s, bool named, struct err *e)
{
	int found = 0, ret = 0;

	for (int i = 0; i < s->groups_n; i++) {
		if (s->groups[i].reason != LAG_GROUP_GONE) {
			found++;
			continue;
		}
		if (ret)
			diag_error("%s", e->msg);
		ret = missing_group(&s->groups[i], e);
	}
	if (ret)
		return ret;
	if (named && !found && !s->partial)
		return err_set(e, ERR_NO, "no group has such a name (kc-lag lists "
			"all that you may describe)");
	return s->partial ? err_set(e, ERR_NO, "partial: not all could be "
		"measured: %s", s->partial_why) : 0;
}

int
lag_check(const struct lag_check *c, const struct lag_snapshot *s, bool named,
	struct err *e)
{
	int ret = lag_check_limits(c, s, e);
	struct err more = ERR_INIT;

	if (!lag_check_complete(s, named, &more))
		return ret;
	if (ret)
		diag_error("%s", e->msg);
	*e = more;
	return -1;
}
