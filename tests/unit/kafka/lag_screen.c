/* What kc-lag --watch shows at any size, and what its keys do. */
#include "kafka/lag_screen.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "cli/screen.h"
#include "cli/term.h"
#include "tap.h"

static const int64_t NOW = INT64_C(1795332687352); /* 07:31:27Z */

/* ---- snapshots ----------------------------------------------------------------- */

static void
add_group(struct lag_snapshot *s, const char *name, int64_t lag, int64_t age_ms,
	enum lag_status status)
{
	struct lag_group *g = &s->groups[s->groups_n++];
	struct lag_topic *t = lag_topic(s, slice_str("orders"));

	t->logs_n = 2;
	if (!t->logs)
		t->logs = arena_array(&s->arena, 2, sizeof(*t->logs));
	g->name = name;
	g->state = "Stable";
	g->lag = lag;
	g->age_ms = age_ms;
	g->eta_ms = lag ? LAG_NEVER : 0;
	g->consumed_per_s = 12.5;
	g->produced_per_s = -1;
	g->status = status;
	g->members = arena_array(&s->arena, 1, sizeof(*g->members));
	g->members_n = 1;
	g->members[0] = (struct lag_member){ .id = "m-1", .client_id = "worker-1",
		.host = "/10.0.0.1", .partitions_n = 2 };
	g->partitions = arena_array(&s->arena, 2, sizeof(*g->partitions));
	g->partitions_n = 2;
	for (int i = 0; i < 2; i++)
		g->partitions[i] = (struct lag_partition){ .topic = t, .id = i,
			.committed = 100 + i, .lag = i ? lag : 0, .age_ms = age_ms,
			.member = &g->members[0], .counts = true,
			.consumed_per_s = -1, .produced_per_s = -1, .eta_ms = -1,
			.status = status };
}

/* So many groups: g000 with lag 0, g001 with lag 1, ... */
static struct lag_snapshot
many(int n)
{
	struct lag_snapshot s = { .cluster_id = "c" };

	s.groups = arena_array(&s.arena, (size_t)n, sizeof(*s.groups));
	for (int i = 0; i < n; i++)
		add_group(&s, arena_printf(&s.arena, "g%03d", i), i, i * 1000, LAG_OK);
	return s;
}

static struct lag_snapshot
three(void)
{
	struct lag_snapshot s = { .cluster_id = "c", .taken_ms = NOW };

	s.groups = arena_array(&s.arena, 3, sizeof(*s.groups));
	add_group(&s, "billing", 5, 1000, LAG_OK);
	add_group(&s, "audit", 123456789, 7200000, LAG_STALLED);
	add_group(&s, "evil\033[31m\ngroup", 7, 60000, LAG_SLOW);
	return s;
}

/* ---- what is drawn ------------------------------------------------------------- */

static struct buf drawn;

static void
draw(struct lag_screen *w, const struct lag_snapshot *s)
{
	buf_clear(&drawn);
	lag_screen_draw(w, s, NOW, NULL, &drawn);
	buf_cstr(&drawn);
}

/* Line i of what was drawn, in a buffer that the next call reuses. */
static const char *
line(int i)
{
	static char text[1024];
	const char *at = (const char *)drawn.data, *lf;

	for (; i > 0 && at; i--) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	lf = at ? strchr(at, '\n') : NULL;
	if (!lf || lf - at >= (int)sizeof(text))
		return "(no such line)";
	memcpy(text, at, (size_t)(lf - at));
	text[lf - at] = '\0';
	return text;
}

static bool
begins(int i, const char *text)
{
	if (!strncmp(line(i), text, strlen(text)))
		return true;
	printf("# line %d is '%s', not '%s...'\n", i, line(i), text);
	return false;
}

static int
lines_drawn(void)
{
	int n = 0;

	for (size_t i = 0; i < drawn.len; i++)
		n += drawn.data[i] == '\n';
	return n;
}

static void
worst_stands_first(void)
{
	struct lag_snapshot s = three();
	struct lag_screen w = { .width = 100, .height = 10, .every_ms = 2000 };

	draw(&w, &s);
	CHECK_INT(lines_drawn(), 10);
	CHECK(begins(0, "kc-lag  3 groups  lag 123M"));
	CHECK(strstr(line(0), "oldest 2h") != NULL);
	CHECK(begins(1, "by status  every 2s"));
	CHECK(begins(2, "GROUP"));
	CHECK(begins(3, "audit"));
	CHECK(strstr(line(3), "STALLED") != NULL);
	CHECK(strstr(line(3), "never") != NULL);
	CHECK(begins(4, "evil\\x1b[31m\\x0agroup"));
	CHECK(begins(5, "billing"));
	lag_screen_release(&w);
	lag_snapshot_release(&s);
}

static void
the_head_says_from_when_the_numbers_are(void)
{
	struct lag_snapshot s = three();
	struct lag_screen w = { .width = 100, .height = 10, .every_ms = 2000 };
	const char *end;

	draw(&w, &s);
	CHECK(strstr(line(0), " old ") == NULL);
	s.taken_ms -= 9000;
	draw(&w, &s);
	CHECK(strstr(line(0), " old ") == NULL);
	s.taken_ms -= 31000;
	draw(&w, &s);
	end = strstr(line(0), "   40s old  ");
	CHECK(end && !strcmp(end, "   40s old  07:30:47Z"));
	w.every_ms = 20000;
	draw(&w, &s);
	CHECK(strstr(line(0), " old ") == NULL);
	lag_screen_release(&w);
	lag_snapshot_release(&s);
}

static void
a_lag_that_is_not_known_is_not_0(void)
{
	struct lag_snapshot s = three();
	struct lag_screen w = { .width = 100, .height = 10 };

	for (int i = 0; i < 3; i++)
		s.groups[i].lag = -1;
	draw(&w, &s);
	CHECK(begins(0, "kc-lag  3 groups  lag -  "));
	s.groups[1].lag = 0;
	draw(&w, &s);
	CHECK(begins(0, "kc-lag  3 groups  lag 0  "));
	lag_screen_release(&w);
	lag_snapshot_release(&s);
}

static void
no_line_is_wider_than_the_screen(void)
{
	static const int widths[] = { 1, 7, 20, 40, 41, 60, 80, 120, 200, 300 };
	struct lag_snapshot s = three();

	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++)
		for (int height = 1; height < 12; height += 5)
			for (int view = 0; view < 3; view++) {
				struct lag_screen w = { .width = widths[i],
					.height = height, .utf8 = true,
					.view = (enum lag_screen_view)view };

				buf_addstr(&w.group, "audit");
				lag_screen_note(&w, &s);
				draw(&w, &s);
				for (int n = 0; n < lines_drawn(); n++)
					if (!CHECK(term_columns(slice_str(line(n))) <= widths[i]))
						printf("# width %d: '%s'\n", widths[i], line(n));
				lag_screen_release(&w);
			}
	lag_snapshot_release(&s);
}

static void
forty_columns_keep_name_lag_age_and_status(void)
{
	struct lag_snapshot s = three();
	struct lag_screen w = { .width = 40, .height = 8 };

	draw(&w, &s);
	CHECK(strstr(line(2), "GROUP") && strstr(line(2), "LAG") &&
		strstr(line(2), "AGE") && strstr(line(2), "STATUS"));
	w.width = 200;
	draw(&w, &s);
	CHECK(strstr(line(2), "STATE") && strstr(line(2), "TREND") &&
		strstr(line(2), "WRITTEN/s") && strstr(line(2), "WHY"));
	lag_screen_release(&w);
	lag_snapshot_release(&s);
}

static void
nothing_measured_yet(void)
{
	struct lag_screen w = { .width = 60, .height = 5 };

	draw(&w, NULL);
	CHECK(begins(0, "kc-lag  measuring"));
	CHECK_INT(lag_screen_key(&w, NULL, SCREEN_DOWN), LAG_SCREEN_DRAW);
	CHECK_INT(lag_screen_key(&w, NULL, SCREEN_ENTER), LAG_SCREEN_DRAW);
	draw(&w, NULL);
	lag_screen_release(&w);
}

static void
trouble_is_told_at_the_foot(void)
{
	struct lag_snapshot s = three();
	struct lag_screen w = { .width = 60, .height = 8 };

	buf_clear(&drawn);
	lag_screen_draw(&w, &s, 0, "cannot reach broker 'h:9092'", &drawn);
	buf_cstr(&drawn);
	CHECK(begins(7, "cannot reach broker 'h:9092'"));
	s.partial = true;
	s.partial_why = "broker 2 does not answer";
	draw(&w, &s);
	CHECK(begins(7, "broker 2 does not answer"));
	lag_screen_release(&w);
	lag_snapshot_release(&s);
}

/* ---- keys ---------------------------------------------------------------------- */

static void
press(struct lag_screen *w, const struct lag_snapshot *s, const char *keys)
{
	for (; *keys; keys++)
		lag_screen_key(w, s, (unsigned char)*keys);
}

static void
orders(void)
{
	struct lag_snapshot s = three();
	struct lag_screen w = { .width = 80, .height = 8 };

	press(&w, &s, "n");
	draw(&w, &s);
	CHECK(begins(3, "audit") && begins(4, "billing"));
	press(&w, &s, "n");
	draw(&w, &s);
	CHECK(begins(3, "evil") && begins(5, "audit"));
	CHECK(begins(1, "by name (reversed)"));
	press(&w, &s, "l");
	draw(&w, &s);
	CHECK(begins(3, "audit") && begins(4, "evil") && begins(5, "billing"));
	lag_screen_release(&w);
	lag_snapshot_release(&s);
}

static void
filter_as_you_type(void)
{
	struct lag_snapshot s = three();
	struct lag_screen w = { .width = 80, .height = 8 };

	press(&w, &s, "/IL");
	draw(&w, &s);
	CHECK(begins(1, "filter: IL_"));
	CHECK(begins(3, "evil") && begins(4, "billing"));
	press(&w, &s, "Lq");
	draw(&w, &s);
	CHECK(begins(1, "filter: ILLq_"));
	CHECK(begins(7, "nothing has that in its name"));
	lag_screen_key(&w, &s, SCREEN_BACKSPACE);
	lag_screen_key(&w, &s, SCREEN_ENTER);
	draw(&w, &s);
	CHECK(begins(3, "billing") && begins(4, ""));
	CHECK_INT(lag_screen_key(&w, &s, SCREEN_ESC), LAG_SCREEN_DRAW);
	draw(&w, &s);
	CHECK(begins(3, "audit"));
	CHECK_INT(lag_screen_key(&w, &s, 'q'), LAG_SCREEN_QUIT);
	lag_screen_release(&w);
	lag_snapshot_release(&s);
}

static void
a_group_is_entered_and_left(void)
{
	struct lag_snapshot s = three();
	struct lag_screen w = { .width = 120, .height = 8 };

	lag_screen_key(&w, &s, SCREEN_DOWN);
	lag_screen_key(&w, &s, SCREEN_DOWN);
	lag_screen_key(&w, &s, SCREEN_ENTER);
	draw(&w, &s);
	CHECK(begins(0, "kc-lag  billing  lag 5"));
	CHECK(begins(2, "TOPIC"));
	CHECK(begins(3, "orders") && strstr(line(3), "worker-1"));
	press(&w, &s, "m");
	draw(&w, &s);
	CHECK(begins(2, "CLIENT"));
	CHECK(begins(3, "worker-1") && strstr(line(3), "/10.0.0.1"));
	lag_screen_key(&w, &s, SCREEN_ESC);
	draw(&w, &s);
	CHECK(begins(3, "audit"));
	/* still on the group that it left */
	lag_screen_key(&w, &s, SCREEN_ENTER);
	draw(&w, &s);
	CHECK(begins(0, "kc-lag  billing"));
	lag_screen_release(&w);
	lag_snapshot_release(&s);
}

static void
the_selected_row_stays_itself_and_in_view(void)
{
	struct lag_snapshot s = many(100), t;
	struct lag_screen w = { .width = 80, .height = 14, .order = LAG_ORDER_NAME };

	for (int i = 0; i < 42; i++)
		lag_screen_key(&w, &s, SCREEN_DOWN);
	draw(&w, &s);
	CHECK(begins(12, "g042"));
	CHECK(begins(13, "34-43 of 100"));
	press(&w, &s, "n");
	draw(&w, &s);
	CHECK(strstr((const char *)drawn.data, "g042") != NULL);
	lag_screen_key(&w, &s, SCREEN_END);
	draw(&w, &s);
	CHECK(begins(12, "g000"));
	/* Its row goes away: the first is chosen. */
	t = many(1);
	draw(&w, &t);
	CHECK(begins(3, "g000"));
	lag_screen_release(&w);
	lag_snapshot_release(&s);
	lag_snapshot_release(&t);
}

static void
trends_follow_the_lag(void)
{
	struct lag_screen w = { .width = 100, .height = 6 };
	struct lag_snapshot s;

	for (int i = 0; i < 8; i++) {
		s = three();
		s.groups[0].lag = i * 10;
		s.groups[1].lag = 1000 - i * 100;
		s.groups[2].lag = -1;
		lag_screen_note(&w, &s);
		if (i < 7)
			lag_snapshot_release(&s);
	}
	press(&w, &s, "n");
	draw(&w, &s);
	CHECK(strstr(line(3), "- ") && strstr(line(3), "##=--:.."));
	CHECK(strstr(line(4), "+ ") && strstr(line(4), "_..:-=##"));
	lag_snapshot_release(&s);
	/* Groups that are gone are forgotten. */
	s = many(1);
	lag_screen_note(&w, &s);
	CHECK_INT(w.groups.len, 1);
	lag_screen_release(&w);
	lag_snapshot_release(&s);
}

static void
pausing(void)
{
	struct lag_screen w = { .width = 80, .height = 6 };

	CHECK_INT(lag_screen_key(&w, NULL, ' '), LAG_SCREEN_DRAW);
	draw(&w, NULL);
	CHECK(strstr(line(1), "paused") != NULL);
	CHECK_INT(lag_screen_key(&w, NULL, ' '), LAG_SCREEN_MEASURE);
	CHECK_INT(lag_screen_key(&w, NULL, 'R'), LAG_SCREEN_MEASURE);
	CHECK_INT(lag_screen_key(&w, NULL, 'Z'), LAG_SCREEN_NOTHING);
	press(&w, NULL, "?");
	draw(&w, NULL);
	CHECK(strstr(line(4), "partitions of the group") != NULL);
	lag_screen_release(&w);
}

int
main(void)
{
	RUN(worst_stands_first);
	RUN(the_head_says_from_when_the_numbers_are);
	RUN(a_lag_that_is_not_known_is_not_0);
	RUN(no_line_is_wider_than_the_screen);
	RUN(forty_columns_keep_name_lag_age_and_status);
	RUN(nothing_measured_yet);
	RUN(trouble_is_told_at_the_foot);
	RUN(orders);
	RUN(filter_as_you_type);
	RUN(a_group_is_entered_and_left);
	RUN(the_selected_row_stays_itself_and_in_view);
	RUN(trends_follow_the_lag);
	RUN(pausing);
	buf_release(&drawn);
	return tap_done();
}
