#include "model/reset.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "model/offset.h"

/* ---- targets ---------------------------------------------------------------- */

static const struct {
	const char *name;
	enum reset_kind kind;
} words[] = {
	{ "earliest", RESET_EARLIEST }, { "beginning", RESET_EARLIEST },
	{ "latest", RESET_LATEST }, { "end", RESET_LATEST },
	{ "current", RESET_CURRENT }, { "start-if-lost", RESET_LOST },
};

/* N, +N, -N; false for everything else. */
static bool
parse_number(const char *text, struct reset_target *out)
{
	bool is_signed = *text == '+' || *text == '-';
	struct err ignored = ERR_INIT;

	if (num_int(slice_str(text + is_signed), 0, INT64_MAX, &out->value,
	    &ignored))
		return false;
	out->kind = is_signed ? RESET_SHIFT : RESET_OFFSET;
	if (*text == '-')
		out->value = -out->value;
	return true;
}

int
reset_target_parse(const char *text, int64_t now_ms, struct reset_target *out,
	struct err *e)
{
	struct err ignored = ERR_INIT;

	*out = (struct reset_target){ 0 };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(text, words[i].name)) {
			out->kind = words[i].kind;
			return 0;
		}
	if (!strncmp(text, "group:", 6) && text[6]) {
		out->kind = RESET_GROUP;
		out->group = text + 6;
		return 0;
	}
	if (parse_number(text, out))
		return 0;
	out->kind = RESET_TIME;
	if (!num_time(slice_str(text), now_ms, &out->value, &ignored))
		return 0;
	return err_set(e, ERR_USAGE, "'%s' is no target (earliest, latest, "
		"current, OFFSET, +N, -N, 2026-01-15T10:00, @MS, -2h, "
		"group:NAME, start-if-lost)", text);
}

int
reset_scope_parse(const char *text, struct reset_scope *out, struct err *e)
{
	const char *colon = strchr(text, ':');

	*out = (struct reset_scope){ .topic = slice_make(text,
		colon ? (size_t)(colon - text) : strlen(text)) };
	if (!out->topic.len)
		return err_set(e, ERR_USAGE, "'%s' names no topic (TOPIC or "
			"TOPIC:0,2-5)", text);
	if (colon && offset_parse_partitions(slice_str(colon + 1),
	    &out->partitions, &out->n, e))
		return err_wrap(e, "'%s'", text);
	return 0;
}

static bool
has(const struct reset_scope *s, const char *topic, int32_t partition)
{
	if (!slice_eq_str(s->topic, topic))
		return false;
	for (int i = 0; i < s->n; i++)
		if (s->partitions[i] == partition)
			return true;
	return !s->partitions;
}

bool
reset_scopes_have(const struct reset_scope *scopes, int n, const char *topic,
	int32_t partition)
{
	for (int i = 0; i < n; i++)
		if (has(&scopes[i], topic, partition))
			return true;
	return !n;
}

/* ---- plans ------------------------------------------------------------------ */

static int
by_place(const void *a, const void *b)
{
	const struct reset_row *x = a, *y = b;
	int way = strcmp(x->group, y->group);

	if (!way)
		way = strcmp(x->topic, y->topic);
	return way ? way : (x->partition > y->partition) -
		(x->partition < y->partition);
}

struct reset_row *
reset_add(struct reset_plan *p, struct slice group, struct slice topic,
	int32_t partition)
{
	struct reset_row *row;

	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 16;
		p->rows = xreallocarray(p->rows, (size_t)p->cap, sizeof(*p->rows));
	}
	row = &p->rows[p->n++];
	*row = (struct reset_row){
		.group = arena_copy(&p->arena, group).data,
		.topic = arena_copy(&p->arena, topic).data,
		.partition = partition, .from = -1, .to = -1, .start = -1,
		.end = -1, .found = -1, .from_ms = -1, .to_ms = -1
	};
	return row;
}

int
reset_sort(struct reset_plan *p, struct err *e)
{
	if (p->n)
		qsort(p->rows, (size_t)p->n, sizeof(*p->rows), by_place);
	for (int i = 1; i < p->n; i++)
		if (!by_place(&p->rows[i - 1], &p->rows[i]))
			return err_set(e, ERR_FORMAT, "group '%s' has '%s' [%d] "
				"twice", p->rows[i].group, p->rows[i].topic,
				(int)p->rows[i].partition);
	return 0;
}

struct reset_row *
reset_find(const struct reset_plan *p, const char *group, const char *topic,
	int32_t partition)
{
	struct reset_row want = { .group = group, .topic = topic,
		.partition = partition };

	return p->n ? bsearch(&want, p->rows, (size_t)p->n, sizeof(want),
		by_place) : NULL;
}

void
reset_release(struct reset_plan *p)
{
	free(p->rows);
	arena_release(&p->arena);
	*p = (struct reset_plan){ 0 };
}

/* ---- decisions -------------------------------------------------------------- */

static int64_t
nearest(const struct reset_row *row, int64_t offset)
{
	return offset < row->start ? row->start :
		offset > row->end ? row->end : offset;
}

/* To this offset, which a person or a file chose. */
static void
go(struct reset_row *row, int64_t offset, bool clamp)
{
	row->to = nearest(row, offset);
	row->note = row->to == offset ? RESET_FINE :
		clamp ? RESET_CLAMPED : RESET_OUT_OF_RANGE;
	if (row->note == RESET_OUT_OF_RANGE)
		row->to = offset;
}

static void
stay(struct reset_row *row, enum reset_note why)
{
	row->to = row->from;
	row->to_metadata = row->from_metadata;
	row->note = why;
}

static int64_t
shifted(int64_t from, int64_t by)
{
	int64_t to;

	if (__builtin_add_overflow(from, by, &to))
		return by < 0 ? 0 : INT64_MAX;
	return to;
}

static void
choose(struct reset_row *row, const struct reset_target *t, bool clamp)
{
	switch (t->kind) {
	case RESET_LATEST:
		row->to = row->end;
		break;
	case RESET_OFFSET:
		go(row, t->value, clamp);
		break;
	case RESET_SHIFT:
		if (row->from < 0)
			stay(row, RESET_NO_COMMIT);
		else
			go(row, shifted(row->from, t->value), true);
		break;
	case RESET_TIME:
		row->to = row->found < 0 ? row->end : row->found;
		row->note = row->found < 0 ? RESET_NO_LATER : RESET_FINE;
		break;
	case RESET_GROUP:
		if (row->found < 0)
			stay(row, RESET_NO_COMMIT);
		else
			go(row, row->found, true);
		break;
	case RESET_LOST:
		if (row->from < 0 || row->from >= row->start)
			stay(row, row->from < 0 ? RESET_NO_COMMIT : RESET_NOT_LOST);
		else
			row->to = row->start;
		break;
	case RESET_FILE:
		go(row, row->to, clamp);
		break;
	default:
		row->to = row->start;
	}
}

/* A file has another text to keep beside the same offset. */
static bool
is_other_text(const struct reset_row *row)
{
	return row->to_metadata && (!row->from_metadata ||
		strcmp(row->to_metadata, row->from_metadata));
}

void
reset_decide(struct reset_row *row, const struct reset_target *t, bool clamp)
{
	row->note = RESET_FINE;
	if (t->kind == RESET_FORGET)
		row->to = -1;
	else if (t->kind == RESET_CURRENT)
		stay(row, row->from < 0 ? RESET_NO_COMMIT : RESET_FINE);
	else if (t->kind == RESET_FILE && (row->to < 0 || row->is_exact))
		; /* asks nothing of the log */
	else if (row->is_gone)
		stay(row, RESET_TOPIC_GONE);
	else if (row->start < 0 || row->end < 0)
		stay(row, RESET_NO_LOG);
	else
		choose(row, t, clamp);
	row->moves = row->note < RESET_SAME && (row->to != row->from ||
		t->kind == RESET_CURRENT || is_other_text(row));
	if (!row->moves && row->note < RESET_SAME)
		row->note = RESET_SAME;
	if (row->has_expected && row->expected != row->from) {
		row->note = RESET_STALE;
		row->moves = false;
	}
}

void
reset_compare(struct reset_row *row, int64_t committed)
{
	if (row->from != committed && row->moves) {
		row->note = RESET_STALE;
		row->moves = false;
	}
	row->from = committed;
}

bool
reset_distance(const struct reset_row *row, int64_t *out)
{
	if (row->from < 0 || row->to < 0 || row->start < 0 || row->end < 0)
		return false;
	*out = nearest(row, row->to) - nearest(row, row->from);
	return true;
}

void
reset_undo(const struct reset_plan *p, struct reset_plan *out)
{
	for (int i = 0; i < p->n; i++) {
		const struct reset_row *r = &p->rows[i];
		struct reset_row *u;

		if (!r->moves)
			continue;
		u = reset_add(out, slice_str(r->group), slice_str(r->topic),
			r->partition);
		u->expected = u->from = r->to;
		u->to = r->from;
		u->from_ms = r->to_ms;
		u->to_ms = r->from_ms;
		u->start = r->start;
		u->end = r->end;
		u->has_expected = u->is_exact = u->moves = true;
		if (r->from_metadata)
			u->to_metadata = arena_copy(&out->arena,
				slice_str(r->from_metadata)).data;
	}
}

/* ---- names ------------------------------------------------------------------ */

static const char *const notes[] = {
	[RESET_FINE] = NULL,
	[RESET_CLAMPED] = "clamped",
	[RESET_NO_LATER] = "no-later-record",
	[RESET_SAME] = "same",
	[RESET_NO_COMMIT] = "no-commit",
	[RESET_NOT_LOST] = "not-lost",
	[RESET_TOPIC_GONE] = "topic-gone",
	[RESET_OUT_OF_RANGE] = "out-of-range",
	[RESET_NO_LOG] = "no-leader",
	[RESET_STALE] = "stale",
};

const char *
reset_note_name(enum reset_note note)
{
	return notes[note];
}

bool
reset_note_is_failure(enum reset_note note)
{
	return note >= RESET_OUT_OF_RANGE;
}
