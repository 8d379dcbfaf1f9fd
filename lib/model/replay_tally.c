#include "model/replay_tally.h"

#include <stdlib.h>

#include "base/xalloc.h"

static struct replay_tally_part *
part(struct replay_tally *t, int32_t partition)
{
	if (partition >= t->n) {
		t->parts = xreallocarray(t->parts, (size_t)partition + 1,
			sizeof(*t->parts));
		for (; t->n <= partition; t->n++)
			t->parts[t->n] = (struct replay_tally_part){
				.sorted = true, .offset = -1, .last = -1 };
	}
	return &t->parts[partition];
}

void
replay_tally_release(struct replay_tally *t)
{
	for (int i = 0; i < t->n; i++)
		free(t->parts[i].found);
	free(t->parts);
	*t = (struct replay_tally){ 0 };
}

void
replay_tally_found(struct replay_tally *t, int32_t partition, int64_t offset,
	uint64_t digest)
{
	struct replay_tally_part *p = part(t, partition);

	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 256;
		p->found = xreallocarray(p->found, p->cap, sizeof(*p->found));
	}
	p->sorted = p->sorted && (!p->n || p->found[p->n - 1].offset <= offset);
	if (offset > p->last)
		p->last = offset;
	p->found[p->n++] = (struct replay_found){ offset, digest };
}

static int
by_offset(const void *a, const void *b)
{
	const struct replay_found *p = a, *q = b;

	return (p->offset > q->offset) - (p->offset < q->offset);
}

static void
sort(struct replay_tally_part *p)
{
	if (!p->sorted)
		qsort(p->found, p->n, sizeof(*p->found), by_offset);
	p->sorted = true;
}

static void
count_fault(struct replay_tally *t, enum replay_fault fault,
	const struct replay_tally_part *p, int64_t offset, int64_t n)
{
	for (; n > 0; n--) {
		t->faults[fault]++;
		if (t->on_fault)
			t->on_fault(t->arg, fault, (int32_t)(p - t->parts), offset);
	}
}

/* What was found before this offset was expected by nobody. */
static void
pass_strange(struct replay_tally *t, struct replay_tally_part *p, int64_t offset)
{
	sort(p);
	while (p->at < p->n && p->found[p->at].offset < offset)
		count_fault(t, FAULT_STRANGE, p, p->found[p->at++].offset, 1);
}

/* The expected records of one offset are complete: compares them. */
static void
settle(struct replay_tally *t, struct replay_tally_part *p)
{
	int64_t found = 0;
	uint64_t sum = 0;

	if (!p->count)
		return;
	pass_strange(t, p, p->offset);
	while (p->at < p->n && p->found[p->at].offset == p->offset) {
		sum += p->found[p->at++].digest;
		found++;
	}
	if (found == p->count && sum == p->sum)
		t->matched += found;
	else if (found == p->count)
		count_fault(t, FAULT_ALTERED, p, p->offset, found);
	else if (found < p->count)
		count_fault(t, FAULT_MISSING, p, p->offset, p->count - found);
	else
		count_fault(t, FAULT_DUPLICATE, p, p->offset, found - p->count);
	p->count = 0;
	p->sum = 0;
}

void
replay_tally_expect(struct replay_tally *t, int32_t partition, int64_t offset,
	uint64_t digest)
{
	struct replay_tally_part *p = part(t, partition);

	if (p->offset != offset)
		settle(t, p);
	p->offset = offset;
	p->count++;
	p->sum += digest;
	t->expected++;
}

void
replay_tally_finish(struct replay_tally *t)
{
	for (int i = 0; i < t->n; i++) {
		settle(t, &t->parts[i]);
		pass_strange(t, &t->parts[i], INT64_MAX);
	}
}

bool
replay_tally_has(struct replay_tally *t, int32_t partition, int64_t offset)
{
	struct replay_found want = { offset, 0 };
	struct replay_tally_part *p;

	if (partition >= t->n)
		return false;
	p = &t->parts[partition];
	sort(p);
	return p->n && bsearch(&want, p->found, p->n, sizeof(want), by_offset);
}

int64_t
replay_tally_last(const struct replay_tally *t, int32_t partition)
{
	return partition < t->n ? t->parts[partition].last : -1;
}
