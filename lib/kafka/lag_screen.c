/* lag_screen.c - what a key does; lag_screen_draw.c is what is seen. */
#include "kafka/lag_screen.h"

#include "base/utf8.h"
#include "cli/screen.h"
#include "kafka/lag_screen_rows.h"

/* ---- moving ------------------------------------------------------------------ */

static void
select_row(struct lag_screen *w, const struct screen_rows *r, int i)
{
	if (i >= r->n)
		i = r->n - 1;
	if (i < 0)
		i = 0;
	buf_clear(&w->selected);
	if (r->n)
		buf_addslice(&w->selected, r->items[i].key);
}

static void
move(struct lag_screen *w, const struct lag_snapshot *s, int key)
{
	struct screen_rows r;
	int at, page = lag_screen_room(w);

	screen_rows_init(&r, w, s);
	at = screen_rows_selected(&r, w);
	switch (key) {
	case SCREEN_UP: at--; break;
	case SCREEN_DOWN: at++; break;
	case SCREEN_PAGE_UP: at -= page; break;
	case SCREEN_PAGE_DOWN: at += page; break;
	case SCREEN_HOME: at = 0; break;
	case SCREEN_END: at = r.n - 1; break;
	}
	select_row(w, &r, at);
	screen_rows_release(&r);
}

static void
show(struct lag_screen *w, enum lag_screen_view view)
{
	w->view = view;
	w->top = 0;
	buf_clear(&w->selected);
	buf_clear(&w->filter);
}

/* Into the selected group. */
static void
enter(struct lag_screen *w, const struct lag_snapshot *s, enum lag_screen_view view)
{
	struct screen_rows r;

	if (w->view == LAG_SCREEN_GROUPS) {
		screen_rows_init(&r, w, s);
		buf_clear(&w->group);
		if (r.n)
			buf_addslice(&w->group,
				r.items[screen_rows_selected(&r, w)].key);
		screen_rows_release(&r);
	}
	if (w->group.len)
		show(w, view);
}

static void
leave(struct lag_screen *w)
{
	if (w->help) {
		w->help = false;
	} else if (w->filter.len) {
		buf_clear(&w->filter);
	} else if (w->view != LAG_SCREEN_GROUPS) {
		show(w, LAG_SCREEN_GROUPS);
		buf_addslice(&w->selected, buf_slice(&w->group));
	}
}

/* ---- the filter -------------------------------------------------------------- */

static void
drop_character(struct buf *b)
{
	while (b->len && (b->data[b->len - 1] & 0xc0) == 0x80)
		b->len--;
	if (b->len)
		b->len--;
}

static enum lag_screen_wish
filter_key(struct lag_screen *w, const struct lag_snapshot *s, int key)
{
	if (key == SCREEN_ENTER) {
		w->filtering = false;
	} else if (key == SCREEN_ESC) {
		w->filtering = false;
		buf_clear(&w->filter);
	} else if (key == SCREEN_BACKSPACE) {
		drop_character(&w->filter);
	} else if (key == SCREEN_UP || key == SCREEN_DOWN) {
		move(w, s, key);
	} else if (key >= ' ' && key < 256 && w->filter.len < 64) {
		buf_addc(&w->filter, (char)key);
	} else {
		return LAG_SCREEN_NOTHING;
	}
	return LAG_SCREEN_DRAW;
}

/* ---- keys -------------------------------------------------------------------- */

static const struct {
	char letter;
	enum lag_screen_order order;
} orders[] = {
	{ 's', LAG_ORDER_STATUS }, { 'l', LAG_ORDER_LAG }, { 'a', LAG_ORDER_AGE },
	{ 'r', LAG_ORDER_RATE }, { 'e', LAG_ORDER_ETA }, { 'n', LAG_ORDER_NAME },
};

/* The same letter again turns the order around. */
static bool
order_key(struct lag_screen *w, int key)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		if (key != orders[i].letter)
			continue;
		w->reversed = w->order == orders[i].order && !w->reversed;
		w->order = orders[i].order;
		w->top = 0;
		return true;
	}
	return false;
}

enum lag_screen_wish
lag_screen_key(struct lag_screen *w, const struct lag_snapshot *s, int key)
{
	if (w->filtering)
		return filter_key(w, s, key);
	switch (key) {
	case 'q':
		return LAG_SCREEN_QUIT;
	case SCREEN_TAB: case 'R':
		return LAG_SCREEN_MEASURE;
	case ' ':
		w->paused = !w->paused;
		return w->paused ? LAG_SCREEN_DRAW : LAG_SCREEN_MEASURE;
	case '/':
		w->filtering = true;
		return LAG_SCREEN_DRAW;
	case '?': case 'h':
		w->help = !w->help;
		return LAG_SCREEN_DRAW;
	case 'k': case SCREEN_UP:
		move(w, s, SCREEN_UP);
		return LAG_SCREEN_DRAW;
	case 'j': case SCREEN_DOWN:
		move(w, s, SCREEN_DOWN);
		return LAG_SCREEN_DRAW;
	case SCREEN_PAGE_UP: case SCREEN_PAGE_DOWN:
	case SCREEN_HOME: case SCREEN_END:
		move(w, s, key);
		return LAG_SCREEN_DRAW;
	case SCREEN_ENTER: case SCREEN_RIGHT: case 'p':
		enter(w, s, LAG_SCREEN_PARTITIONS);
		return LAG_SCREEN_DRAW;
	case 'm':
		enter(w, s, LAG_SCREEN_MEMBERS);
		return LAG_SCREEN_DRAW;
	case SCREEN_ESC: case SCREEN_LEFT: case SCREEN_BACKSPACE:
		leave(w);
		return LAG_SCREEN_DRAW;
	}
	return order_key(w, key) ? LAG_SCREEN_DRAW : LAG_SCREEN_NOTHING;
}
