#include "kafka/group_plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "cli/in.h"
#include "cli/json.h"
#include "cli/term.h"

/* ---- reading ---------------------------------------------------------------- */

/* The member as an offset; null is -1. */
static bool
get_offset(const struct json *line, const char *name, int64_t *out)
{
	const struct json *j = json_get(line, name);

	if (json_is_null(j)) {
		*out = -1;
		return true;
	}
	return json_int(j, out) && *out >= 0;
}

static int
read_target(struct reset_plan *p, struct reset_row *row, const struct json *line,
	struct err *e)
{
	const char *metadata = json_string(json_get(line, "metadata"));
	const char *to = json_get(line, "to") ? "to" : "offset";

	if (!get_offset(line, to, &row->to))
		return err_set(e, ERR_FORMAT, "no offset in the member to");
	row->has_expected = json_get(line, "from");
	if (row->has_expected && !get_offset(line, "from", &row->expected))
		return err_set(e, ERR_FORMAT, "from is neither an offset nor null");
	json_bool(json_get(line, "exact"), &row->is_exact);
	if (metadata && *metadata)
		row->to_metadata = arena_copy(&p->arena,
			slice_str(metadata)).data;
	return 0;
}

static bool
is_failure(const char *note)
{
	for (enum reset_note n = RESET_FINE; n <= RESET_STALE; n++)
		if (reset_note_is_failure(n) && !strcmp(note, reset_note_name(n)))
			return true;
	return false;
}

static int
read_json(struct reset_plan *p, const struct json *line, const char *group,
	struct err *e)
{
	const char *topic = json_string(json_get(line, "topic"));
	const char *note = json_string(json_get(line, "note"));
	int64_t partition;

	if (!group)
		group = json_string(json_get(line, "group"));
	if (!group || !*group || !topic || !*topic)
		return err_set(e, ERR_FORMAT, "no text in the member %s",
			topic ? "group" : "topic");
	if (!json_int(json_get(line, "partition"), &partition) ||
	    partition < 0 || partition > INT32_MAX)
		return err_set(e, ERR_FORMAT, "no number in the member partition");
	if (note && is_failure(note))
		return err_set(e, ERR_FORMAT, "could not be planned: %s (make "
			"the plan again)", note);
	return read_target(p, reset_add(p, slice_str(group), slice_str(topic),
		(int32_t)partition), line, e);
}

static int
read_line(struct reset_plan *p, struct slice line, const char *group,
	struct err *e)
{
	struct json *j;
	int ret;

	if (!line.len || !memcmp(line.data, "\r", 1))
		return 0;
	if (*(const char *)line.data != '{')
		return reset_read_csv(p, line, group, e);
	j = json_parse(line, e);
	if (!j)
		return -1;
	ret = read_json(p, j, group, e);
	json_free(j);
	return ret;
}

int
group_plan_read(const char *path, const char *group, struct reset_plan *out,
	struct err *e)
{
	enum in_status status;
	struct slice line;
	struct in in;
	int ret = 0;

	if (in_open(&in, path, e))
		return -1;
	while (!ret && (status = in_next(&in, -1, &line, e)) != IN_EOF) {
		if (status == IN_TOO_LONG)
			ret = err_set(e, ERR_FORMAT, "too long");
		else if (status != IN_LINE)
			ret = -1;
		else
			ret = read_line(out, line, group, e);
		if (ret && e->code == ERR_FORMAT)
			err_wrap(e, "%s:%" PRId64, in.name, in.line);
	}
	if (!ret && !out->n)
		ret = err_set(e, ERR_FORMAT, "'%s' has no offsets", in.name);
	if (!ret && reset_sort(out, e))
		ret = err_wrap(e, "'%s'", in.name);
	in_close(&in);
	return ret;
}

/* ---- JSON ------------------------------------------------------------------- */

static void
add_offset(struct json *j, const char *name, int64_t offset)
{
	if (offset < 0)
		json_add_null(j, name);
	else
		json_add_int(j, name, offset);
}

static void
add_known(struct json *j, const char *name, int64_t value)
{
	if (value >= 0)
		json_add_int(j, name, value);
}

static struct json *
place(const char *group, const char *topic, int32_t partition)
{
	struct json *j = json_object();

	json_add_str(j, "group", group);
	json_add_str(j, "topic", topic);
	json_add_int(j, "partition", partition);
	return j;
}

static void
put(struct buf *out, struct json *j, const char *metadata)
{
	if (metadata)
		json_add_str(j, "metadata", metadata);
	json_print(out, j);
	json_free(j);
}

static void
put_row(struct buf *out, const struct reset_row *row)
{
	struct json *j = place(row->group, row->topic, row->partition);
	int64_t distance;

	add_offset(j, "from", row->from);
	add_offset(j, "to", row->to);
	add_known(j, "start", row->start);
	add_known(j, "end", row->end);
	if (row->moves && reset_distance(row, &distance) && distance)
		json_add_int(j, distance < 0 ? "replayed" : "skipped",
			distance < 0 ? -distance : distance);
	add_known(j, "from_timestamp", row->from_ms);
	add_known(j, "to_timestamp", row->to_ms);
	if (row->is_exact)
		json_add_bool(j, "exact", true);
	if (row->note)
		json_add_str(j, "note", reset_note_name(row->note));
	put(out, j, row->to_metadata);
}

void
group_plan_json(struct buf *out, const struct reset_plan *p, bool all)
{
	for (int i = 0; i < p->n; i++)
		if (all || p->rows[i].moves)
			put_row(out, &p->rows[i]);
}

void
group_plan_export(struct buf *out, const char *group, const char *topic,
	int32_t partition, int64_t offset, const char *metadata)
{
	struct json *j = place(group, topic, partition);

	json_add_int(j, "offset", offset);
	put(out, j, metadata);
}

/* ---- for people ------------------------------------------------------------- */

static bool
has_groups(const struct reset_plan *p)
{
	return p->n && strcmp(p->rows[0].group, p->rows[p->n - 1].group);
}

static bool
has_times(const struct reset_plan *p)
{
	for (int i = 0; i < p->n; i++)
		if (p->rows[i].from_ms >= 0 || p->rows[i].to_ms >= 0)
			return true;
	return false;
}

static void
cell(struct out_table *t, int64_t n)
{
	if (n < 0)
		out_table_cell(t, "-");
	else
		out_table_cell(t, "%" PRId64, n);
}

static void
time_cell(struct out_table *t, int64_t ms)
{
	char text[NUM_TIME_TEXT];

	out_table_cell(t, "%s", ms < 0 ? "-" : num_time_text(ms, text));
}

static void
table_row(struct out_table *t, const struct reset_row *row, bool groups,
	bool times)
{
	int64_t distance;
	bool known = row->moves && reset_distance(row, &distance);

	if (groups)
		out_table_cell(t, "%s", row->group);
	out_table_cell(t, "%s", row->topic);
	cell(t, row->partition);
	cell(t, row->from);
	cell(t, row->to);
	cell(t, !known ? -1 : distance > 0 ? distance : 0);
	cell(t, !known ? -1 : distance < 0 ? -distance : 0);
	cell(t, row->start);
	cell(t, row->end);
	if (times) {
		time_cell(t, row->from_ms);
		time_cell(t, row->to_ms);
	}
	out_table_cell(t, "%s", row->note ? reset_note_name(row->note) : "");
}

int
group_plan_table(struct out *out, const struct reset_plan *p, struct err *e)
{
	static const char *const names[] = { "GROUP", "TOPIC", "PARTITION", "FROM",
		"TO", "SKIPPED", "REPLAYED", "START", "END", "FROM-TIME",
		"TO-TIME", "NOTE" };
	const char *columns[12];
	bool groups = has_groups(p), times = has_times(p);
	struct out_table *t;
	int n = 0, ret;

	for (int i = 0; i < 12; i++)
		if ((i || groups) && (times || (i != 9 && i != 10)))
			columns[n++] = names[i];
	t = out_table_new(columns, n);
	for (int i = 1 + groups; i < 8 + groups; i++)
		out_table_right(t, i);
	for (int i = 0; i < p->n; i++)
		table_row(t, &p->rows[i], groups, times);
	ret = out_table_print(t, out, term_is_tty(out->fd), e);
	out_table_free(t);
	return ret;
}

void
group_plan_summary(struct buf *out, const struct reset_plan *p)
{
	int64_t again = 0, skipped = 0, d;

	for (int i = 0; i < p->n; i++)
		if (p->rows[i].moves && reset_distance(&p->rows[i], &d))
			*(d < 0 ? &again : &skipped) += d < 0 ? -d : d;
	buf_addf(out, "%d of %d partition%s", group_plan_moves(p), p->n,
		p->n == 1 ? "" : "s");
	if (again)
		buf_addf(out, ", %" PRId64 " record%s again", again,
			again == 1 ? "" : "s");
	if (skipped)
		buf_addf(out, ", %" PRId64 " skipped", skipped);
}

int
group_plan_failures(const struct reset_plan *p, const struct reset_row **first)
{
	int n = 0;

	for (int i = 0; i < p->n; i++)
		if (reset_note_is_failure(p->rows[i].note) && !n++)
			*first = &p->rows[i];
	return n;
}

int
group_plan_moves(const struct reset_plan *p)
{
	int n = 0;

	for (int i = 0; i < p->n; i++)
		n += p->rows[i].moves;
	return n;
}
