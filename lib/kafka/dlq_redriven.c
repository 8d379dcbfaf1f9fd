#include "kafka/dlq_redriven.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/conf.h"

/*
 * MEMORY slots at most are in memory, which is 2 MB. A file grows in bigger
 * steps: what is free in it takes no room, and all is written again each time.
 */
enum { FIRST = 256, MEMORY = 65536, STEP = 2, FILE_STEP = 4, BLOCK = 1024 };

static off_t
place(size_t i)
{
	return (off_t)(i * sizeof(struct dlq_redrive));
}

static int
failed(struct err *e)
{
	return err_errno(e, ERR_IO, "cannot keep what was redriven before in a "
		"file (set TMPDIR to another folder)");
}

/* A block of slots; n of a file that ends in between is less. */
static int
get(const struct dlq_redriven *t, size_t i, struct dlq_redrive *out, size_t n,
	struct err *e)
{
	size_t want = n * sizeof(*out), got = 0;

	if (t->memory) {
		for (size_t k = 0; k < n; k++)
			out[k] = t->memory[i + k];
		return 0;
	}
	while (got < want) {
		ssize_t some = pread(t->fd, (char *)out + got, want - got,
			place(i) + (off_t)got);

		if (!some)
			errno = EIO;
		if (some <= 0 && errno != EINTR)
			return failed(e);
		got += some > 0 ? (size_t)some : 0;
	}
	return 0;
}

static int
put(struct dlq_redriven *t, size_t i, const struct dlq_redrive *x, struct err *e)
{
	ssize_t n;

	if (t->memory) {
		t->memory[i] = *x;
		return 0;
	}
	do
		n = pwrite(t->fd, x, sizeof(*x), place(i));
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(*x))
		return 0;
	if (n >= 0)
		errno = ENOSPC;
	return failed(e);
}

/* The slot of a fingerprint, or the free one where it would be. */
static int
seek(const struct dlq_redriven *t, uint64_t fingerprint, size_t *i,
	struct dlq_redrive *x, struct err *e)
{
	size_t mask = t->cap - 1;

	for (*i = fingerprint & mask; ; *i = (*i + 1) & mask) {
		if (get(t, *i, x, 1, e))
			return -1;
		if (!x->fingerprint || x->fingerprint == fingerprint)
			return 0;
	}
}

static int
make(struct dlq_redriven *t, size_t cap, struct err *e)
{
	*t = (struct dlq_redriven){ .cap = cap, .fd = -1 };
	if (cap <= MEMORY) {
		t->memory = xcalloc(cap, sizeof(*t->memory));
		return 0;
	}
	t->fd = conf_unnamed_file(e);
	return t->fd < 0 ? -1 : ftruncate(t->fd, place(cap)) ? failed(e) : 0;
}

static int
copy_all(const struct dlq_redriven *from, struct dlq_redriven *to, struct err *e)
{
	struct dlq_redrive block[BLOCK], free_slot;
	size_t n, at;

	for (size_t i = 0; i < from->cap; i += n) {
		n = from->cap - i < BLOCK ? from->cap - i : BLOCK;
		if (get(from, i, block, n, e))
			return -1;
		for (size_t k = 0; k < n; k++)
			if (block[k].fingerprint && (seek(to, block[k].fingerprint,
			    &at, &free_slot, e) || put(to, at, &block[k], e)))
				return -1;
	}
	to->n = from->n;
	return 0;
}

static int
grow(struct dlq_redriven *t, struct err *e)
{
	struct dlq_redriven bigger;

	if (make(&bigger, !t->cap ? FIRST : t->cap * (t->cap < MEMORY ? STEP :
	    FILE_STEP), e) || copy_all(t, &bigger, e)) {
		dlq_redriven_release(&bigger);
		return -1;
	}
	dlq_redriven_release(t);
	*t = bigger;
	return 0;
}

/* The newest one that was sent away stands for all of its kind. */
int
dlq_redriven_add(struct dlq_redriven *t, const struct ledger_entry *x,
	struct err *e)
{
	struct dlq_redrive r;
	size_t i;

	if (!x->fingerprint || !x->redrives)
		return 0;
	if ((4 * t->n >= 3 * t->cap && grow(t, e)) ||
	    seek(t, x->fingerprint, &i, &r, e))
		return -1;
	if (r.fingerprint && x->redrives < r.redrives)
		return 0;
	t->n += !r.fingerprint;
	r = (struct dlq_redrive){
		.fingerprint = x->fingerprint,
		.offset = x->offset, .partition = x->partition,
		.redrives = x->redrives > INT32_MAX ? INT32_MAX :
			(int32_t)x->redrives,
		.run = ledger_run_hash(x->run),
	};
	return put(t, i, &r, e);
}

int
dlq_redriven_find(const struct dlq_redriven *t, uint64_t fingerprint,
	struct dlq_redrive *out, struct err *e)
{
	size_t i;

	if (!t->n || !fingerprint)
		return 0;
	return seek(t, fingerprint, &i, out, e) ? -1 : out->fingerprint != 0;
}

void
dlq_redriven_release(struct dlq_redriven *t)
{
	free(t->memory);
	if (t->cap && !t->memory && t->fd >= 0)
		close(t->fd);
	*t = (struct dlq_redriven){ 0 };
}
