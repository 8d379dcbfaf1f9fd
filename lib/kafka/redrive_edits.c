#include "kafka/redrive_edits.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "model/envelope.h"
#include "model/path.h"
#include "model/src.h"

struct redrive_edits {
	const char *dlq;
	struct redrive_edit **list;
	int n;
	struct map by_name;
	struct envelope_reader reader;
};

struct redrive_edits *
redrive_edits_new(const char *dlq)
{
	struct redrive_edits *l = xcalloc(1, sizeof(*l));

	l->dlq = dlq;
	return l;
}

void
redrive_edits_free(struct redrive_edits *l)
{
	if (!l)
		return;
	for (int i = 0; i < l->n; i++) {
		free(l->list[i]->name);
		free((void *)(uintptr_t)l->list[i]->line.data);
		free(l->list[i]);
	}
	free(l->list);
	map_release(&l->by_name);
	envelope_reader_release(&l->reader);
	free(l);
}

static char *
make_name(int32_t partition, int64_t offset)
{
	struct buf name = BUF_INIT;

	buf_addint(&name, partition);
	buf_addc(&name, '/');
	buf_addint(&name, offset);
	buf_cstr(&name);
	return (char *)name.data;
}

static void
on_redacted(void *arg, struct slice raw)
{
	(void)raw;
	*(bool *)arg = true;
}

static bool
is_redacted(struct slice kc)
{
	const struct path path = { .parts = &(struct slice){ "redacted", 8 },
		.n = 1 };
	bool found = false;

	path_each(&path, kc, on_redacted, &found);
	return found;
}

int
redrive_edits_add(struct redrive_edits *l, struct slice line, struct err *e)
{
	struct redrive_edit *x;
	struct record r;
	struct src src;

	if (envelope_read(&l->reader, line, &r, e))
		return -1;
	if (slice_is_null(r.src))
		return err_set(e, ERR_FORMAT, "no src: it says which dead letter "
			"it is (kc-dlq export writes it)");
	if (src_parse(r.src, &src, e))
		return -1;
	if (is_redacted(r.kc))
		return err_set(e, ERR_FORMAT, "what is masked in it cannot "
			"be sent back (kc-dlq export --no-redact, and without "
			"--redact)");
	if (!slice_eq_str(src.topic, l->dlq))
		return err_set(e, ERR_FORMAT, "src '%.*s' is of another topic than "
			"'%s'", SLICE_ARG(r.src), l->dlq);
	x = xcalloc(1, sizeof(*x));
	x->name = make_name(src.partition, src.offset);
	if (map_get(&l->by_name, slice_str(x->name))) {
		free(x->name);
		free(x);
		return err_set(e, ERR_FORMAT, "src '%.*s' is there twice",
			SLICE_ARG(r.src));
	}
	x->partition = src.partition;
	x->offset = src.offset;
	x->line = slice_make(xmemdup0(line.data, line.len), line.len);
	l->list = xreallocarray(l->list, (size_t)l->n + 1, sizeof(*l->list));
	l->list[l->n++] = x;
	map_put(&l->by_name, slice_str(x->name), x);
	return 0;
}

int
redrive_edits_count(const struct redrive_edits *l)
{
	return l->n;
}

static struct redrive_edit *
find(const struct redrive_edits *l, int32_t partition, int64_t offset)
{
	char *name = make_name(partition, offset);
	struct redrive_edit *x = map_get(&l->by_name, slice_str(name));

	free(name);
	return x;
}

void
redrive_edits_entry(void *edits, const struct ledger_entry *entry)
{
	struct redrive_edit *x = find(edits, entry->partition, entry->offset);

	if (x)
		x->state = entry->state;
}

bool
redrive_edits_take(struct redrive_edits *l, int32_t partition, int64_t offset,
	struct record *out)
{
	struct redrive_edit *x = find(l, partition, offset);
	struct err ignored = ERR_INIT;

	if (!x)
		return false;
	x->used = true;
	/* it was read before, so it can be read */
	return !envelope_read(&l->reader, x->line, out, &ignored);
}

const struct redrive_edit *
redrive_edits_unused(const struct redrive_edits *l, int *i)
{
	while (*i < l->n && l->list[*i]->used)
		++*i;
	return *i < l->n ? l->list[(*i)++] : NULL;
}
