#include "model/ledger_run.h"

#include <stddef.h>

#include "base/num.h"
#include "model/flat.h"

static const char prefix[] = "run/";
enum { PREFIX = sizeof(prefix) - 1 };

/* Members that are a text or a number, in the order they are written. */
static const struct {
	const char *name;
	size_t at;
	enum { TEXT, NUMBER, COUNT } kind;
} members[] = {
#define ROW(name, kind) { #name, offsetof(struct ledger_run, name), kind }
	ROW(verb, TEXT), ROW(state, TEXT), ROW(by, TEXT), ROW(pid, NUMBER),
	ROW(since, NUMBER), ROW(until, NUMBER), ROW(ends, TEXT),
	ROW(to, TEXT), ROW(cluster, TEXT), ROW(via, TEXT), ROW(plan, TEXT),
	ROW(watch, TEXT),
	ROW(selected, COUNT), ROW(sent, COUNT), ROW(parked, COUNT),
	ROW(discarded, COUNT), ROW(skipped, COUNT), ROW(failed, COUNT),
	ROW(returned, COUNT),
#undef ROW
};
enum { MEMBERS = sizeof(members) / sizeof(*members) };

void
ledger_run_key(struct buf *out, struct slice id)
{
	buf_add(out, prefix, PREFIX);
	buf_addslice(out, id);
}

bool
ledger_run_is_key(struct slice key, struct slice *id)
{
	if (key.len <= PREFIX || memcmp(key.data, prefix, PREFIX))
		return false;
	*id = slice_make((const char *)key.data + PREFIX, key.len - PREFIX);
	return true;
}

static void
write_member(struct buf *out, const struct ledger_run *r, int i)
{
	const void *at = (const char *)r + members[i].at;
	struct slice text;
	int64_t n;

	if (members[i].kind == TEXT) {
		memcpy(&text, at, sizeof(text));
		flat_put_text(out, members[i].name, text);
		return;
	}
	memcpy(&n, at, sizeof(n));
	flat_put_int(out, members[i].name, n);
}

void
ledger_run_write_counts(struct buf *out, const struct ledger_run *r)
{
	for (int i = 0; i < MEMBERS; i++)
		if (members[i].kind == COUNT)
			write_member(out, r, i);
}

void
ledger_run_write(struct buf *out, const struct ledger_run *r)
{
	buf_addstr(out, "{\"select\":");
	flat_put_texts(out, r->select, r->select_n);
	for (int i = 0; i < MEMBERS; i++)
		write_member(out, r, i);
	buf_addc(out, '}');
}

static bool
read_member(struct slice name, struct slice value, struct arena *a,
	struct ledger_run *r)
{
	if (slice_eq_str(name, "select"))
		return flat_texts(value, a, &r->select, &r->select_n);
	for (int i = 0; i < MEMBERS; i++) {
		void *at = (char *)r + members[i].at;

		if (slice_eq_str(name, members[i].name))
			return members[i].kind == TEXT ? flat_text(value, a, at) :
				flat_int(value, at);
	}
	return true;
}

int
ledger_run_read(struct slice id, struct slice value, struct arena *a,
	struct ledger_run *out, struct err *e)
{
	struct flat f = flat_init(value);
	struct slice name, text;

	*out = (struct ledger_run){ .id = arena_copy(a, id) };
	while (flat_next(&f, &name, &text))
		if (!read_member(name, text, a, out))
			return err_set(e, ERR_FORMAT, "run '%.*s': bad member '%.*s'",
				SLICE_ARG(id), SLICE_ARG(name));
	return f.ok ? 0 : err_set(e, ERR_FORMAT, "run '%.*s' is no JSON object",
		SLICE_ARG(id));
}

int64_t
ledger_run_end(const struct ledger_run *r, int32_t p)
{
	const char *at = r->ends.data, *end = at + r->ends.len;
	struct err ignored = ERR_INIT;
	int64_t partition, offset;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma ? comma : end;
		const char *colon = memchr(at, ':', (size_t)(stop - at));

		if (colon && !num_int(slice_make(at, (size_t)(colon - at)), 0,
		    INT32_MAX, &partition, &ignored) && partition == p &&
		    !num_int(slice_make(colon + 1, (size_t)(stop - colon - 1)),
		    0, INT64_MAX, &offset, &ignored))
			return offset;
		at = stop + 1;
	}
	return 0;
}
