/*
 * lag_print_kafka.c - the table of kafka-consumer-groups --describe: its
 * columns, widths, blank lines and order, and its arithmetic: LAG is the
 * log's end minus the commit, negative where that lies ahead, and counts what
 * is lost. Scripts that read it need to change one word.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "cli/diag.h"
#include "kafka/lag_print.h"

/* A row: of a member's partition, of a member that has none, or of nobody's. */
struct line {
	const struct lag_partition *p;   /* NULL = the member has none */
	const struct lag_member *member; /* NULL = unassigned */
};

struct widths {
	int group, topic, member, host;
};

static const char *
or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static void
widen(int *width, const char *text)
{
	int n = (int)strlen(text);

	if (n > *width)
		*width = n;
}

static void
put_line(struct buf *b, const struct widths *w, const char *group,
	const char *const cells[8])
{
	buf_addf(b, "\n%-*s %-*s %-10s %-15s %-15s %-15s %-*s %-*s %s", w->group,
		group, w->topic, cells[0], cells[1], cells[2], cells[3], cells[4],
		w->member, cells[5], w->host, cells[6], cells[7]);
}

static const char *
digits(char out[24], bool known, int64_t n)
{
	if (!known)
		return "-";
	snprintf(out, 24, "%" PRId64, n);
	return out;
}

static void
put_row(struct buf *b, const struct widths *w, const struct lag_group *g,
	const struct line *l)
{
	const struct lag_partition *p = l->p;
	const struct lag_log *log = p ? lag_log_of(p) : NULL;
	bool ended = log && log->end >= 0, committed = p && p->committed >= 0;
	char id[24], offset[24], end[24], lag[24];
	const char *cells[8] = {
		p ? p->topic->name : "-", digits(id, p, p ? p->id : 0),
		digits(offset, committed, committed ? p->committed : 0),
		digits(end, ended, ended ? log->end : 0),
		digits(lag, ended && committed,
			ended && committed ? log->end - p->committed : 0),
		or_dash(l->member ? l->member->id : NULL),
		or_dash(l->member ? l->member->host : NULL),
		or_dash(l->member ? l->member->client_id : NULL)
	};

	put_line(b, w, g->name, cells);
}

/* Members with more partitions come first; who has none has a row of dashes. */
static int
by_share(const void *a, const void *b)
{
	const struct lag_member *x = *(const struct lag_member *const *)a;
	const struct lag_member *y = *(const struct lag_member *const *)b;

	if (x->partitions_n != y->partitions_n)
		return x->partitions_n > y->partitions_n ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Members by how much they own, then what nobody owns. */
static int
list_lines(const struct lag_group *g, struct line *lines)
{
	int members_n = g->members_n > 0 ? g->members_n : 0, n = 0;
	const struct lag_member **members = xcalloc((size_t)members_n,
		sizeof(*members));

	for (int i = 0; i < members_n; i++)
		members[i] = &g->members[i];
	qsort(members, (size_t)members_n, sizeof(*members), by_share);
	for (int i = 0; i < members_n; i++) {
		if (!members[i]->partitions_n)
			lines[n++] = (struct line){ NULL, members[i] };
		for (int k = 0; k < g->partitions_n; k++)
			if (g->partitions[k].member == members[i])
				lines[n++] = (struct line){ &g->partitions[k],
					members[i] };
	}
	for (int k = 0; k < g->partitions_n; k++)
		if (!g->partitions[k].member && g->partitions[k].topic)
			lines[n++] = (struct line){ &g->partitions[k], NULL };
	free(members);
	return n;
}

static void
print_group(struct buf *b, const struct lag_group *g)
{
	static const char *const heads[8] = { "TOPIC", "PARTITION",
		"CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST",
		"CLIENT-ID" };
	struct line *lines = xcalloc((size_t)g->partitions_n +
		(size_t)(g->members_n > 0 ? g->members_n : 0), sizeof(*lines));
	struct widths w = { 15, 15, 15, 15 };
	int n = list_lines(g, lines);

	widen(&w.group, g->name);
	for (int i = 0; i < n; i++) {
		widen(&w.topic, lines[i].p ? lines[i].p->topic->name : "-");
		widen(&w.member, lines[i].member ? lines[i].member->id : "-");
		widen(&w.host, lines[i].member ? lines[i].member->host : "-");
	}
	if (n) {
		put_line(b, &w, "GROUP", heads);
		for (int i = 0; i < n; i++)
			put_row(b, &w, g, &lines[i]);
		buf_addc(b, '\n');
	}
	free(lines);
}

int
lag_print_kafka(struct out *o, const struct lag_snapshot *s, struct err *e)
{
	for (int i = 0; i < s->groups_n; i++) {
		const struct lag_group *g = &s->groups[i];

		if (g->reason == LAG_GROUP_GONE)
			continue;
		if (!strcmp(g->state, "Empty"))
			diag_note("group '%s' has no active members", g->name);
		else if (strstr(g->state, "Rebalanc"))
			diag_warn("group '%s' is rebalancing", g->name);
		print_group(&o->buf, g);
		if (out_maybe_flush(o, e))
			return -1;
	}
	return 0;
}
