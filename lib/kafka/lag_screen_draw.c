#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/utf8.h"
#include "cli/term.h"
#include "kafka/lag_screen_rows.h"
#include "model/lag_threshold.h"

enum { HEAD = 3, FOOT = 1, NAME_MIN = 12, NAME_GOOD = 24,
	NAME_MAX = 48, TREND_WIDTH = 12, STALE_MS = 10000 };

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define REVERSE "\033[7m"
#define PLAIN "\033[0m"
#define PLAIN_COLOR "\033[39;22m"  /* what is reversed stays so */

int
lag_screen_room(const struct lag_screen *w)
{
	return w->height > HEAD + FOOT ? w->height - HEAD - FOOT : 1;
}

/* ---- text of a given width --------------------------------------------------- */

/* A line that is being written: columns used so far, and the most. */
struct line {
	struct buf *out;
	const struct lag_screen *w;
	int columns;
};

static void
style(struct line *l, const char *sgr)
{
	if (l->w->color)
		buf_addstr(l->out, sgr);
}

/* At most `width` columns of text that is harmless already. */
static void
put_cut(struct line *l, struct slice text, int width)
{
	const uint8_t *p = text.data;

	if (width > l->w->width - l->columns)
		width = l->w->width - l->columns;
	for (size_t i = 0, n; i < text.len; i += n) {
		int columns;

		n = utf8_sequence(p + i, text.len - i);
		n = n ? n : 1;
		columns = p[i] < 0x80 ? 1 : term_columns(slice_make(p + i, n));
		if (columns > width)
			return;
		buf_add(l->out, p + i, n);
		l->columns += columns;
		width -= columns;
	}
}

static void
put(struct line *l, const char *text)
{
	put_cut(l, slice_str(text), l->w->width);
}

/* Foreign text: names. */
static void
put_name(struct line *l, const char *name, int width)
{
	struct buf safe = BUF_INIT;

	term_escape(&safe, slice_str(name));
	put_cut(l, buf_slice(&safe), width);
	buf_release(&safe);
}

static void
pad_to(struct line *l, int column)
{
	if (column > l->w->width)
		column = l->w->width;
	for (; l->columns < column; l->columns++)
		buf_addc(l->out, ' ');
}

static void
end_line(struct line *l)
{
	buf_addc(l->out, '\n');
	l->columns = 0;
}

/* ---- numbers for people ------------------------------------------------------ */

enum { TEXT = 32 };

/* Exact up to 9,999,999, then 12.3M. */
static const char *
count_text(int64_t n, char out[TEXT])
{
	static const char units[] = "MGTPE";
	double x = (double)n / 1e6;
	int i = 0;

	if (n < 0)
		return "-";
	if (n < 10000000) {
		snprintf(out, TEXT, "%" PRId64, n);
		return out;
	}
	for (; x >= 1000 && units[i + 1]; i++)
		x /= 1000;
	snprintf(out, TEXT, x < 100 ? "%.1f%c" : "%.0f%c", x, units[i]);
	return out;
}

static const char *
rate_text(double per_s, char out[TEXT])
{
	if (per_s < 0)
		return "-";
	if (per_s >= 1e6)
		snprintf(out, TEXT, "%.1fM", per_s / 1e6);
	else
		snprintf(out, TEXT, per_s < 10 ? "%.1f" : "%.0f", per_s);
	return out;
}

/* ---- trends ------------------------------------------------------------------ */

static int64_t
lag_at(const struct screen_history *h, int back)
{
	return h->lag[(h->at - 1 - back + 2 * HISTORY) % HISTORY];
}

/* The latest at the right; each against the most of what is shown. */
static void
put_trend(struct line *l, const struct screen_history *h, int width)
{
	static const char *const blocks[] = { "\u2581", "\u2582", "\u2583",
		"\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char *const letters[] = { "_", ".", ".", ":", "-", "=", "#", "#" };
	int n = h && h->n < width ? h->n : width;
	int64_t most = 0;

	if (!h)
		return;
	for (int i = 0; i < n; i++)
		if (lag_at(h, i) > most)
			most = lag_at(h, i);
	for (int i = n - 1; i >= 0; i--) {
		int64_t lag = lag_at(h, i);
		int level = most ? (int)((double)lag * 7 / (double)most) : 0;

		put(l, lag < 0 ? " " : (l->w->utf8 ? blocks : letters)[level]);
	}
}

/* Growing, shrinking or neither, with a dead band of a twentieth. */
static const char *
arrow(const struct lag_screen *w, const struct screen_history *h)
{
	int back = h && h->n > 5 ? 5 : h ? h->n - 1 : 0;
	int64_t now, before;

	if (back < 1)
		return " ";
	now = lag_at(h, 0);
	before = lag_at(h, back);
	if (now < 0 || before < 0)
		return " ";
	if (now - before > before / 20)
		return w->utf8 ? "\u2191" : "+";
	if (before - now > before / 20)
		return w->utf8 ? "\u2193" : "-";
	return "=";
}

/* ---- columns ----------------------------------------------------------------- */

#define IN(view) (1u << LAG_SCREEN_ ## view)
#define EVERYWHERE (IN(GROUPS) | IN(PARTITIONS) | IN(MEMBERS))

struct column {
	const char *title;
	int width, priority;       /* the lower, the longer it stays on narrow screens */
	bool left;
	unsigned views;
	int order;                 /* the order that its letter asks for; -1 = none */
	void (*put)(struct line *l, const struct screen_row *r);
};

static void
put_partition(struct line *l, const struct screen_row *r)
{
	char text[TEXT];

	snprintf(text, sizeof(text), "%d", (int)r->partition->id);
	put(l, text);
}

static void
put_state(struct line *l, const struct screen_row *r)
{
	put_name(l, *r->group->state ? r->group->state : "-", 11);
}

static void
put_members(struct line *l, const struct screen_row *r)
{
	char text[TEXT];

	put(l, count_text(r->group->members_n, text));
}

static void
put_parts(struct line *l, const struct screen_row *r)
{
	char text[TEXT];

	put(l, count_text(r->total ? r->total->partitions_n :
		r->group->partitions_n, text));
}

static void
put_committed(struct line *l, const struct screen_row *r)
{
	char text[TEXT];

	snprintf(text, sizeof(text), "%" PRId64, r->partition->committed);
	put(l, r->partition->committed < 0 ? "-" : text);
}

static void
put_end(struct line *l, const struct screen_row *r)
{
	const struct lag_log *log = lag_log_of(r->partition);
	char text[TEXT] = "-";

	if (log && log->end >= 0)
		snprintf(text, sizeof(text), "%" PRId64, log->end);
	put(l, text);
}

static void
put_lag(struct line *l, const struct screen_row *r)
{
	char text[TEXT];

	put(l, count_text(r->lag, text));
}

static void
put_age(struct line *l, const struct screen_row *r)
{
	char text[LAG_DURATION_TEXT];

	put(l, lag_duration(r->age_ms, text));
}

static void
put_history(struct line *l, const struct screen_row *r)
{
	put_trend(l, r->history, TREND_WIDTH);
}

static void
put_arrow(struct line *l, const struct screen_row *r)
{
	put(l, arrow(l->w, r->history));
}

static void
put_consumed(struct line *l, const struct screen_row *r)
{
	char text[TEXT];

	put(l, rate_text(r->consumed, text));
}

static void
put_produced(struct line *l, const struct screen_row *r)
{
	char text[TEXT];

	put(l, rate_text(r->produced, text));
}

static void
put_eta(struct line *l, const struct screen_row *r)
{
	char text[LAG_DURATION_TEXT];

	put(l, lag_duration(r->eta_ms, text));
}

static void
put_status(struct line *l, const struct screen_row *r)
{
	if (r->status >= LAG_LOST)
		style(l, RED);
	else if (r->status >= LAG_AHEAD)
		style(l, YELLOW);
	else if (r->status == LAG_UNKNOWN)
		style(l, DIM);
	put(l, lag_status_name(r->status));
	style(l, PLAIN_COLOR);
}

static void
put_owner(struct line *l, const struct screen_row *r)
{
	const struct lag_member *m = r->partition ? r->partition->member :
		r->total ? r->total->member : NULL;

	put_name(l, !m ? "-" : r->total ? m->host : m->client_id, 20);
}

static void
put_why(struct line *l, const struct screen_row *r)
{
	enum lag_reason reason = r->partition ? r->partition->reason :
		r->group->reason;
	const char *why = reason == LAG_ERROR ? (r->partition ?
		r->partition->error : r->group->error) : lag_reason_name(reason);

	put_name(l, why ? why : "", 40);
}

static const struct column columns[] = {
	{ "PART", 5, 1, false, IN(PARTITIONS), -1, put_partition },
	{ "STATE", 11, 7, true, IN(GROUPS), -1, put_state },
	{ "MEMBERS", 7, 6, false, IN(GROUPS), -1, put_members },
	{ "PARTS", 5, 8, false, IN(GROUPS) | IN(MEMBERS), -1, put_parts },
	{ "COMMITTED", 12, 9, false, IN(PARTITIONS), -1, put_committed },
	{ "END", 12, 9, false, IN(PARTITIONS), -1, put_end },
	{ "LAG", 8, 0, false, EVERYWHERE, LAG_ORDER_LAG, put_lag },
	{ "", 1, 3, true, IN(GROUPS) | IN(PARTITIONS), -1, put_arrow },
	{ "AGE", 7, 2, false, EVERYWHERE, LAG_ORDER_AGE, put_age },
	{ "TREND", TREND_WIDTH, 5, true, IN(GROUPS) | IN(PARTITIONS), -1, put_history },
	{ "READ/s", 7, 4, false, IN(GROUPS) | IN(PARTITIONS), LAG_ORDER_RATE,
		put_consumed },
	{ "WRITTEN/s", 9, 10, false, IN(GROUPS) | IN(PARTITIONS), -1, put_produced },
	{ "ETA", 7, 4, false, IN(GROUPS) | IN(PARTITIONS), LAG_ORDER_ETA, put_eta },
	{ "STATUS", 8, 1, true, EVERYWHERE, LAG_ORDER_STATUS, put_status },
	{ "HOST", 20, 6, true, IN(MEMBERS), -1, put_owner },
	{ "OWNER", 20, 6, true, IN(PARTITIONS), -1, put_owner },
	{ "WHY", 40, 12, true, IN(GROUPS) | IN(PARTITIONS), -1, put_why },
};

enum { COLUMNS = sizeof(columns) / sizeof(*columns), LEAST = 12 };

/* Which columns fit, and what is left for the name. */
struct layout {
	bool shown[COLUMNS];
	int name;
};

static struct layout
lay_out(const struct lag_screen *w, const struct screen_rows *r)
{
	struct layout l = { .name = NAME_MIN };
	int used = NAME_MIN, longest = NAME_MIN;
	struct buf name = BUF_INIT;

	for (int i = 0; i < r->n; i++) {
		int n;

		buf_clear(&name);
		term_escape(&name, slice_str(r->items[i].name));
		n = term_columns(buf_slice(&name));
		longest = n > longest ? n : longest;
	}
	buf_release(&name);
	for (int priority = 0; priority <= LEAST; priority++)
		for (int i = 0; i < COLUMNS; i++)
			if (columns[i].priority == priority &&
			    (columns[i].views & 1u << w->view) &&
			    used + 1 + columns[i].width <= w->width) {
				l.shown[i] = true;
				used += 1 + columns[i].width;
			}
	/* A long name is worth more than what is least worth seeing. */
	if (longest > NAME_MAX)
		longest = NAME_MAX;
	for (int priority = LEAST; priority > 2; priority--) {
		int want = priority > 5 || longest < NAME_GOOD ? longest : NAME_GOOD;

		for (int i = 0; i < COLUMNS; i++)
			if (w->width - used < want - NAME_MIN && l.shown[i] &&
			    columns[i].priority == priority) {
				l.shown[i] = false;
				used -= 1 + columns[i].width;
			}
	}
	l.name += w->width - used;
	if (l.name > longest)
		l.name = longest;
	return l;
}

static void
put_column(struct line *l, const struct column *c, int at, const struct screen_row *r)
{
	struct buf cell = BUF_INIT;
	struct line inner = { &cell, l->w, 0 };
	int room;

	if (r)
		c->put(&inner, r);
	else
		put(&inner, c->title);
	room = c->width - inner.columns;
	pad_to(l, at + (c->left || room < 0 ? 0 : room));
	if (inner.columns <= c->width) {
		buf_addslice(l->out, buf_slice(&cell));
		l->columns += inner.columns;
	} else {
		put_cut(l, buf_slice(&cell), c->width);
	}
	buf_release(&cell);
}

/* A row, or with NULL the titles. */
static void
put_row(struct line *l, const struct layout *layout, const struct screen_row *r)
{
	static const char *const names[] = { "GROUP", "TOPIC", "CLIENT" };
	int at = layout->name + 1;

	put_name(l, r ? r->name : names[l->w->view], layout->name);
	for (int i = 0; i < COLUMNS; i++) {
		if (!layout->shown[i])
			continue;
		if (!r && columns[i].order == (int)l->w->order)
			style(l, REVERSE);
		put_column(l, &columns[i], at, r);
		if (!r)
			style(l, PLAIN BOLD);
		at += columns[i].width + 1;
	}
}

/* ---- the screen -------------------------------------------------------------- */

/* When the numbers are from; and how old they are, once that is more than it takes. */
static void
put_clock(struct line *l, const struct lag_snapshot *s, int64_t now_ms)
{
	int64_t age_ms = now_ms - s->taken_ms;
	char clock[NUM_TIME_TEXT], age[LAG_DURATION_TEXT], text[TEXT * 2] = "";

	num_time_text(s->taken_ms, clock);
	if (age_ms >= STALE_MS && age_ms >= 3 * l->w->every_ms)
		snprintf(text, sizeof(text), "%s old  ", lag_duration(age_ms, age));
	snprintf(text + strlen(text), 10, "%.8sZ", clock + 11);
	if (l->columns + 3 + (int)strlen(text) > l->w->width)
		return;
	pad_to(l, l->w->width - (int)strlen(text));
	put(l, text);
}

static void
put_title(struct line *l, const struct lag_snapshot *s, const struct screen_rows *r,
	int64_t now_ms)
{
	char number[TEXT], age[LAG_DURATION_TEXT];
	int64_t lag = -1, worst = -1;
	bool unknown = false;

	style(l, BOLD);
	put(l, "kc-lag");
	style(l, PLAIN);
	if (!s) {
		put(l, "  measuring ...");
		return;
	}
	for (int i = 0; i < s->groups_n; i++) {
		if (s->groups[i].lag >= 0)
			lag = s->groups[i].lag + (lag < 0 ? 0 : lag);
		worst = s->groups[i].age_ms > worst ? s->groups[i].age_ms : worst;
		unknown |= s->groups[i].lag > 0 && s->groups[i].age_ms < 0;
	}
	if (unknown && !worst)
		worst = -1;
	if (r->group) {
		put(l, "  ");
		put_name(l, r->group->name, l->w->width / 2);
		lag = r->group->lag;
		worst = r->group->age_ms;
	} else {
		snprintf(number, sizeof(number), "  %d groups", s->groups_n);
		put(l, number);
	}
	put(l, "  lag ");
	put(l, count_text(lag, number));
	if (worst >= 0) {
		put(l, "  oldest ");
		put(l, lag_duration(worst, age));
	}
	put_clock(l, s, now_ms);
}

static void
put_hint(struct line *l)
{
	static const char *const orders[] = { "status", "lag", "age", "rate", "eta",
		"name" };
	char text[LAG_DURATION_TEXT];

	if (l->w->filtering || l->w->filter.len) {
		put(l, "filter: ");
		put_cut(l, buf_slice(&l->w->filter), l->w->width);
		put(l, l->w->filtering ? "_" : "   (Esc: all)");
		return;
	}
	style(l, DIM);
	put(l, "by ");
	put(l, orders[l->w->order]);
	put(l, l->w->reversed ? " (reversed)" : "");
	if (l->w->paused) {
		put(l, "  paused");
	} else {
		put(l, "  every ");
		put(l, lag_duration(l->w->every_ms, text));
	}
	put(l, "   ?: keys  /: filter  q: quit");
	style(l, PLAIN);
}

static const char *const help[] = {
	"",
	" up down j k       choose a row        PgUp PgDn Home End",
	" Enter p           partitions of the group",
	" m                 members of the group",
	" Esc Left          back to the groups",
	" s l a r e n       order: status lag age rate eta name; again: reversed",
	" /                 filter by a part of the name, as you type",
	" Space             pause, and go on",
	" R Tab             measure now",
	" q ^C              quit",
};

enum { HELP_LINES = sizeof(help) / sizeof(*help) };

/* Moves the window so that the selected row is in it. */
static void
scroll(struct lag_screen *w, int selected, int n, int room)
{
	if (w->top > n - room)
		w->top = n - room;
	if (selected < w->top)
		w->top = selected;
	if (selected >= w->top + room)
		w->top = selected - room + 1;
	if (w->top < 0)
		w->top = 0;
}

static void
put_body(struct line *l, struct lag_screen *w, const struct screen_rows *r)
{
	struct layout layout = lay_out(w, r);
	int room = lag_screen_room(w), selected = screen_rows_selected(r, w);

	scroll(w, selected, r->n, room);
	style(l, BOLD);
	put_row(l, &layout, NULL);
	style(l, PLAIN);
	end_line(l);
	for (int i = w->top; i < w->top + room; i++) {
		if (i < r->n) {
			if (i == selected)
				style(l, REVERSE);
			put_row(l, &layout, &r->items[i]);
			if (i == selected)
				pad_to(l, w->width);
			style(l, PLAIN);
		}
		end_line(l);
	}
}

static void
put_help(struct line *l)
{
	for (int i = 0; i < lag_screen_room(l->w) + 1; i++) {
		if (i < HELP_LINES)
			put(l, help[i]);
		end_line(l);
	}
}

static void
put_foot(struct line *l, const struct lag_snapshot *s, const struct screen_rows *r,
	const char *trouble)
{
	char text[TEXT * 2];

	if (!trouble && s && s->partial)
		trouble = s->partial_why ? s->partial_why : "not everything could "
			"be measured";
	if (trouble) {
		style(l, YELLOW);
		put_name(l, trouble, l->w->width);
		style(l, PLAIN);
	} else if (s && !r->n) {
		put(l, l->w->filter.len ? "nothing has that in its name" :
			r->group ? "nothing to show of this group" :
			l->w->view != LAG_SCREEN_GROUPS ? "this group is gone" :
			"there are no consumer groups");
	} else if (r->n > lag_screen_room(l->w)) {
		snprintf(text, sizeof(text), "%d-%d of %d", l->w->top + 1,
			l->w->top + lag_screen_room(l->w) < r->n ?
			l->w->top + lag_screen_room(l->w) : r->n, r->n);
		put(l, text);
	}
}

void
lag_screen_draw(struct lag_screen *w, const struct lag_snapshot *s, int64_t now_ms,
	const char *trouble, struct buf *out)
{
	struct line l = { out, w, 0 };
	struct screen_rows r;

	screen_rows_init(&r, w, s);
	put_title(&l, s, &r, now_ms);
	end_line(&l);
	put_hint(&l);
	end_line(&l);
	if (w->help)
		put_help(&l);
	else
		put_body(&l, w, &r);
	put_foot(&l, s, &r, trouble);
	end_line(&l);
	screen_rows_release(&r);
}
