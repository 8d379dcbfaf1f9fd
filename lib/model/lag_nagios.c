#include "model/lag_nagios.h"

enum { GROUPS_TOLD = 3, GROUPS_MEASURED = 50 };

static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

/* Text before the bar: one line, and the bar is not in it. */
static void
put_text(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_addc(out, *text == '|' || (unsigned char)*text < ' ' ? ' ' : *text);
}

static void
put_head(struct buf *out, enum lag_nagios state)
{
	buf_addf(out, "KAFKA LAG %s - ", names[state]);
}

void
lag_nagios_unknown(struct buf *out, const char *why)
{
	put_head(out, NAGIOS_UNKNOWN);
	put_text(out, why);
	buf_addc(out, '\n');
}

/* ---- the state ----------------------------------------------------------------- */

/* why: empty; gets what is wrong. */
static enum lag_nagios
judge(const struct lag_group *g, const struct lag_nagios_limits *l, struct buf *why)
{
	bool ages = l->critical->age_ms >= 0 || l->warning->age_ms >= 0;

	if (g->reason == LAG_GROUP_GONE) {
		buf_addstr(why, "does not exist");
		return NAGIOS_UNKNOWN;
	}
	if (lag_is_over(l->critical, g, why))
		return NAGIOS_CRITICAL;
	if (g->failed_n || (ages && lag_lacks_age(g))) {
		buf_addstr(why, g->failed_n ? "could not be measured" :
			"its age could not be measured");
		return NAGIOS_UNKNOWN;
	}
	return lag_is_over(l->warning, g, why) ? NAGIOS_WARNING : NAGIOS_OK;
}

/* What is worse: known to be critical, not known, a warning. */
static bool
is_worse(enum lag_nagios a, enum lag_nagios b)
{
	static const int rank[] = { [NAGIOS_OK] = 0, [NAGIOS_WARNING] = 1,
		[NAGIOS_UNKNOWN] = 2, [NAGIOS_CRITICAL] = 3 };

	return rank[a] > rank[b];
}

/* The groups that are as bad as the worst, the first few of them. */
static enum lag_nagios
put_groups(struct buf *out, const struct lag_snapshot *s,
	const struct lag_nagios_limits *l)
{
	enum lag_nagios worst = NAGIOS_OK, state;
	struct buf why = BUF_INIT;
	int told = 0, more = 0;

	for (int i = 0; i < s->groups_n; i++) {
		buf_clear(&why);
		state = judge(&s->groups[i], l, &why);
		if (is_worse(state, worst)) {
			worst = state;
			buf_clear(out);
			told = more = 0;
		}
		if (state != worst || worst == NAGIOS_OK)
			continue;
		if (told == GROUPS_TOLD) {
			more++;
			continue;
		}
		buf_addf(out, "%sgroup '%s': %s", told++ ? "; " : "",
			s->groups[i].name, buf_cstr(&why));
	}
	if (more)
		buf_addf(out, "; %d more", more);
	buf_release(&why);
	return worst;
}

/* ---- performance data ---------------------------------------------------------- */

static void
put_limits(struct buf *out, int64_t warning, int64_t critical, int64_t unit)
{
	buf_addc(out, ';');
	if (warning >= 0)
		buf_addint(out, warning / unit);
	buf_addc(out, ';');
	if (critical >= 0)
		buf_addint(out, critical / unit);
	buf_addstr(out, ";0");
}

/* A label: quoted, with what would end it doubled or left out. */
static void
put_label(struct buf *out, const char *group, const char *what)
{
	buf_addstr(out, " '");
	for (; *group; group++) {
		if (*group == '\'')
			buf_addc(out, '\'');
		buf_addc(out, *group == '=' || *group == '|' ||
			(unsigned char)*group < ' ' ? '_' : *group);
	}
	buf_addf(out, " %s'=", what);
}

static void
put_group(struct buf *out, const struct lag_group *g, const struct lag_nagios_limits *l)
{
	if (g->lag >= 0) {
		put_label(out, g->name, "lag");
		buf_addint(out, g->lag);
		put_limits(out, l->warning->lag, l->critical->lag, 1);
	}
	if (g->age_ms >= 0) {
		put_label(out, g->name, "age");
		buf_addf(out, "%lld.%03ds", (long long)(g->age_ms / 1000),
			(int)(g->age_ms % 1000));
		put_limits(out, l->warning->age_ms, l->critical->age_ms, 1000);
	}
}

enum lag_nagios
lag_nagios_write(struct buf *out, const struct lag_snapshot *s,
	const struct lag_nagios_limits *l)
{
	struct buf text = BUF_INIT;
	enum lag_nagios state = put_groups(&text, s, l);
	int64_t lag = 0;

	for (int i = 0; i < s->groups_n; i++)
		lag += s->groups[i].lag > 0 ? s->groups[i].lag : 0;
	if (s->partial && is_worse(NAGIOS_UNKNOWN, state)) {
		state = NAGIOS_UNKNOWN;
		buf_clear(&text);
		buf_addf(&text, "not all could be measured: %s",
			s->partial_why ? s->partial_why : "");
	}
	if (!s->groups_n && state == NAGIOS_OK) {
		state = NAGIOS_UNKNOWN;
		buf_addstr(&text, "there is no such group");
	}
	if (state == NAGIOS_OK)
		buf_addf(&text, "%d groups, lag %lld", s->groups_n, (long long)lag);
	put_head(out, state);
	put_text(out, buf_cstr(&text));
	buf_addf(out, " | lag=%lld", (long long)lag);
	put_limits(out, -1, -1, 1);
	/* Of very many groups, the sum has to do. */
	for (int i = 0; i < s->groups_n && s->groups_n <= GROUPS_MEASURED; i++)
		put_group(out, &s->groups[i], l);
	buf_addc(out, '\n');
	buf_release(&text);
	return state;
}
