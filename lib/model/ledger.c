#include "model/ledger.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "base/xalloc.h"
#include "model/fingerprint.h"

enum {
	LEDGER_CHUNK = 4096,
	STATE = 0x07,
	KNOWN = 0x08,  /* there is an entry */
	SEEN = 0x10,   /* a reading found the record */
};

static const char *const names[LEDGER_STATES] = {
	"open", "redriven", "discarded", "parked", "edited", "returned",
};

const char *
ledger_state_name(enum ledger_state s)
{
	return names[s];
}

int
ledger_state_parse(struct slice text, enum ledger_state *out, struct err *e)
{
	struct near near = near_init(text);

	for (int i = 0; i < LEDGER_STATES; i++) {
		if (slice_eq_str(text, names[i])) {
			*out = (enum ledger_state)i;
			return 0;
		}
		near_offer(&near, names[i]);
	}
	return err_set(e, ERR_USAGE, "'%.*s' is not a state (%s%s%s)",
		SLICE_ARG(text), near.name ? "did you mean '" : "open, redriven, "
		"discarded, parked, edited, returned", near.name ? near.name : "",
		near.name ? "'?" : "");
}

/* ---- fingerprints ---- */

/* Lengths first, so that key and value cannot run into each other; null has one of its own. */
static uint64_t
hash(uint64_t h, struct slice s)
{
	uint64_t n = htole64(s.data ? s.len : UINT64_MAX);

	return fingerprint_hash(fingerprint_hash(h, slice_make(&n, sizeof(n))), s);
}

uint64_t
ledger_fingerprint(struct slice key, struct slice value)
{
	uint64_t h = hash(hash(FINGERPRINT_SEED, key), value);

	/* FNV's high bits are the better ones: mix them down */
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	return h ? h : 1;
}

uint32_t
ledger_run_hash(struct slice run)
{
	uint64_t h = hash(FINGERPRINT_SEED, run);

	return (uint32_t)(h ^ h >> 32);
}

/* ---- states ---- */

static struct ledger_part *
part(struct ledger *l, int32_t p)
{
	if (p >= l->parts_n) {
		l->parts = xreallocarray(l->parts, (size_t)p + 1, sizeof(*l->parts));
		for (; l->parts_n <= p; l->parts_n++)
			l->parts[l->parts_n] = (struct ledger_part){ 0 };
	}
	return &l->parts[p];
}

void
ledger_start(struct ledger *l, int32_t p, int64_t start)
{
	struct ledger_part *t = part(l, p);

	t->start = start;
	if (t->mark < start)
		t->mark = start;
}

/* The byte of an offset; NULL when nothing is known of it and !make. */
static uint8_t *
byte_at(struct ledger_part *t, int64_t offset, bool make)
{
	size_t chunk = (size_t)(offset / LEDGER_CHUNK);

	if (!t->n && make)
		t->first = (size_t)(t->start / LEDGER_CHUNK);
	if (chunk < t->first || (chunk >= t->first + t->n && !make))
		return NULL;
	if (chunk >= t->first + t->n) {
		size_t n = chunk - t->first + 1;

		n += n / 2;
		t->chunks = xreallocarray(t->chunks, n, sizeof(*t->chunks));
		memset(t->chunks + t->n, 0, (n - t->n) * sizeof(*t->chunks));
		t->n = n;
	}
	if (!t->chunks[chunk - t->first]) {
		if (!make)
			return NULL;
		t->chunks[chunk - t->first] = xcalloc(LEDGER_CHUNK, 1);
	}
	return t->chunks[chunk - t->first] + offset % LEDGER_CHUNK;
}

static uint8_t
look(const struct ledger_part *t, int64_t offset)
{
	/* nothing is made, so nothing is changed */
	const uint8_t *b = byte_at((struct ledger_part *)(uintptr_t)t, offset, false);

	return b ? *b : 0;
}

enum { NAME_MAX_BYTES = 40 };

static struct slice
name_of(char out[NAME_MAX_BYTES], int32_t p, int64_t offset)
{
	int n = snprintf(out, NAME_MAX_BYTES, "%" PRId32 "/%" PRId64, p, offset);

	return slice_make(out, (size_t)n);
}

/* A note's key and text are one allocation: "P/O", NUL, text, NUL. */
static void
keep_note(struct ledger *l, const struct ledger_entry *x)
{
	char text[NAME_MAX_BYTES];
	struct slice name = name_of(text, x->partition, x->offset);
	char *old = map_del(&l->notes, name), *both;

	free(old);
	if (slice_is_null(x->note))
		return;
	both = xmalloc(name.len + x->note.len + 2);
	memcpy(both, name.data, name.len + 1);
	memcpy(both + name.len + 1, x->note.data, x->note.len);
	both[name.len + 1 + x->note.len] = '\0';
	map_put(&l->notes, slice_make(both, name.len), both);
}

const char *
ledger_note(const struct ledger *l, int32_t p, int64_t offset)
{
	char text[NAME_MAX_BYTES];
	struct slice name = name_of(text, p, offset);
	const char *both = map_get(&l->notes, name);

	return both ? both + name.len + 1 : NULL;
}

void
ledger_apply(struct ledger *l, const struct ledger_entry *x)
{
	struct ledger_part *t = part(l, x->partition);
	uint8_t *b;

	l->entries++;
	if (x->offset < t->start)
		return;
	b = byte_at(t, x->offset, true);
	if (*b & KNOWN)
		t->counts[*b & STATE]--;
	t->counts[x->state]++;
	*b = (uint8_t)((*b & SEEN) | KNOWN | x->state);
	keep_note(l, x);
	if (x->state == LEDGER_OPEN && x->offset < t->mark)
		t->mark = x->offset;
}

enum ledger_state
ledger_state(const struct ledger *l, int32_t p, int64_t offset)
{
	if (p >= l->parts_n)
		return LEDGER_OPEN;
	return (enum ledger_state)(look(&l->parts[p], offset) & STATE);
}

/* ---- reading, and the mark ---- */

void
ledger_scan(struct ledger *l, int32_t p, int64_t from)
{
	struct ledger_part *t = part(l, p);

	/* what was read before stays known where the two meet */
	if (from < t->scanned || from > t->scanned_to)
		t->scanned = t->scanned_to = from;
}

void
ledger_saw(struct ledger *l, int32_t p, int64_t offset)
{
	struct ledger_part *t = part(l, p);

	*byte_at(t, offset, true) |= SEEN;
	if (t->scanned_to <= offset)
		t->scanned_to = offset + 1;
}

void
ledger_scanned(struct ledger *l, int32_t p, int64_t to)
{
	struct ledger_part *t = part(l, p);

	if (t->scanned_to < to)
		t->scanned_to = to;
}

int64_t
ledger_mark(struct ledger *l, int32_t p)
{
	struct ledger_part *t = part(l, p);

	for (;; t->mark++) {
		uint8_t b = look(t, t->mark);
		bool gap = !(b & SEEN) && t->mark >= t->scanned &&
			t->mark < t->scanned_to;

		if (!(b & STATE) && !gap)
			return t->mark;
	}
}

void
ledger_release(struct ledger *l)
{
	void *note;

	for (int p = 0; p < l->parts_n; p++) {
		for (size_t i = 0; i < l->parts[p].n; i++)
			free(l->parts[p].chunks[i]);
		free(l->parts[p].chunks);
	}
	for (size_t i = 0; (note = map_next(&l->notes, &i)); )
		free(note);
	map_release(&l->notes);
	free(l->parts);
	*l = (struct ledger){ 0 };
}
