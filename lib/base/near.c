#include "base/near.h"

enum { LONGEST = 64 }; /* names above this are not compared */

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b. */
static size_t
distance(const char *a, size_t an, const char *b, size_t bn)
{
	size_t rows[3][LONGEST + 1] = { { 0 } };

	for (size_t j = 0; j <= bn; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= an; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];
		const size_t *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1,
				above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	return rows[an % 3][bn];
}

struct near
near_init(struct slice want)
{
	return (struct near){ want, want.len < 6 ? 1 : want.len / 3, NULL };
}

void
near_offer(struct near *n, const char *name)
{
	size_t len = strlen(name), d;

	if (len > LONGEST || !n->want.len || n->want.len > LONGEST)
		return;
	if (n->want.len > 1 && n->want.len < len &&
	    !memcmp(n->want.data, name, n->want.len))
		d = 1; /* only cut short */
	else
		d = distance(n->want.data, n->want.len, name, len);
	if (d < n->best || (d == n->best && !n->name)) {
		n->best = d;
		n->name = name;
	}
}
