#include <stdarg.h>

#include "base/xalloc.h"
#include "cli/out.h"
#include "cli/term.h"

struct cell {
	size_t at, len; /* in the text of the table */
	int columns;
};

struct out_table {
	int n;
	bool *right;
	int *widths;
	struct buf text;
	struct cell *cells; /* row after row; the first row is the header */
	size_t cells_n, cells_cap;
};

/* Takes text->data[from..] as the next cell. */
static void
add_cell(struct out_table *t, size_t from)
{
	struct cell c = { from, t->text.len - from, 0 };
	int column = (int)(t->cells_n % (size_t)t->n);

	c.columns = term_columns(slice_make(t->text.data + from, c.len));
	if (c.columns > t->widths[column])
		t->widths[column] = c.columns;
	if (t->cells_n == t->cells_cap) {
		t->cells_cap = t->cells_cap ? t->cells_cap * 2 : 64;
		t->cells = xreallocarray(t->cells, t->cells_cap, sizeof(*t->cells));
	}
	t->cells[t->cells_n++] = c;
}

struct out_table *
out_table_new(const char *const *columns, int n)
{
	struct out_table *t = xcalloc(1, sizeof(*t));

	t->n = n;
	t->right = xcalloc((size_t)n, sizeof(*t->right));
	t->widths = xcalloc((size_t)n, sizeof(*t->widths));
	for (int i = 0; i < n; i++)
		out_table_cell(t, "%s", columns[i]);
	return t;
}

void
out_table_right(struct out_table *t, int column)
{
	t->right[column] = true;
}

void
out_table_cell(struct out_table *t, const char *fmt, ...)
{
	struct buf plain = BUF_INIT;
	size_t from = t->text.len;
	va_list ap;

	va_start(ap, fmt);
	buf_addvf(&plain, fmt, ap);
	va_end(ap);
	/* In a pipe too: a tab or LF within a cell would forge a column or row. */
	term_escape(&t->text, buf_slice(&plain));
	buf_release(&plain);
	add_cell(t, from);
}

static void
add_spaces(struct buf *b, int n)
{
	for (; n > 0; n--)
		buf_addc(b, ' ');
}

static void
add_aligned(struct buf *b, const struct out_table *t, const struct cell *c, int column)
{
	int room = t->widths[column] - c->columns;

	if (column)
		add_spaces(b, 2);
	if (t->right[column])
		add_spaces(b, room);
	buf_add(b, t->text.data + c->at, c->len);
	if (!t->right[column] && column < t->n - 1)
		add_spaces(b, room);
}

int
out_table_print(struct out_table *t, struct out *o, bool terminal, struct err *e)
{
	size_t first = terminal ? 0 : (size_t)t->n;

	for (size_t i = first; i < t->cells_n; i++) {
		int column = (int)(i % (size_t)t->n);
		const struct cell *c = &t->cells[i];

		if (o->color && !i)
			buf_addstr(&o->buf, "\033[1m");
		if (terminal) {
			add_aligned(&o->buf, t, c, column);
		} else {
			if (column)
				buf_addc(&o->buf, '\t');
			buf_add(&o->buf, t->text.data + c->at, c->len);
		}
		if (column == t->n - 1) {
			if (o->color && i < (size_t)t->n)
				buf_addstr(&o->buf, "\033[0m");
			buf_addc(&o->buf, '\n');
			if (out_maybe_flush(o, e) < 0)
				return -1;
		}
	}
	return 0;
}

void
out_table_free(struct out_table *t)
{
	if (!t)
		return;
	free(t->right);
	free(t->widths);
	free(t->cells);
	buf_release(&t->text);
	free(t);
}
