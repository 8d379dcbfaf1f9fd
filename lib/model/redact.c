#include "model/redact.h"

#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "base/xalloc.h"
#include "model/envelope.h"
#include "model/fingerprint.h"

#define MASK "[redacted]"

static const char *const roots[] = { "value", "key", "header", "message" };
enum { ROOTS = sizeof(roots) / sizeof(*roots) };

static int
check(const struct path *p, struct err *e)
{
	struct near near = near_init(p->root);
	int i = 0;

	while (i < ROOTS && !slice_eq_str(p->root, roots[i]))
		near_offer(&near, roots[i++]);
	if (i == ROOTS)
		return near.name ? err_set(e, ERR_USAGE, "there is no '%s' to mask "
			"(did you mean %s?)", p->text, near.name) :
			err_set(e, ERR_USAGE, "there is no '%s' to mask (value, "
				"value.NAME, key, header.NAME, message)", p->text);
	if (slice_eq_str(p->root, "header") && !p->n)
		return err_set(e, ERR_USAGE, "which header? (header.NAME)");
	if (slice_eq_str(p->root, "message") && p->n)
		return err_set(e, ERR_USAGE, "a message has no parts: '%s'", p->text);
	return 0;
}

int
redact_add(struct redact *m, const char *text, struct err *e)
{
	for (;;) {
		size_t n = strcspn(text, ",");
		struct path p;

		if (path_parse(&p, slice_make(text, n), e))
			return -1;
		if (check(&p, e)) {
			path_release(&p);
			return -1;
		}
		m->paths = xreallocarray(m->paths, (size_t)m->n + 1,
			sizeof(*m->paths));
		m->paths[m->n++] = p;
		if (!text[n])
			return 0;
		text += n + 1;
	}
}

void
redact_release(struct redact *m)
{
	for (int i = 0; i < m->n; i++)
		path_release(&m->paths[i]);
	free(m->paths);
	*m = (struct redact){ 0 };
}

void
redact_put_json(struct buf *out, const struct redact *m)
{
	buf_addc(out, '[');
	for (int i = 0; i < m->n; i++) {
		if (i)
			buf_addc(out, ',');
		envelope_put_bytes(out, slice_str(m->paths[i].text));
	}
	buf_addc(out, ']');
}

/* ---- bytes ---- */

struct splice {
	struct buf out;
	const uint8_t *done; /* of the document: it is in out up to here */
};

static void
on_found(void *arg, struct slice raw)
{
	struct splice *s = arg;
	const uint8_t *at = raw.data;

	buf_add(&s->out, s->done, (size_t)(at - s->done));
	buf_addstr(&s->out, "\"" MASK "\"");
	s->done = at + raw.len;
}

static struct slice
mask_bytes(const struct path *p, struct slice bytes, struct arena *a)
{
	struct splice s = { BUF_INIT, bytes.data };
	struct slice made = slice_str(MASK);

	if (slice_is_null(bytes))
		return bytes;
	if (p->n && path_each(p, bytes, on_found, &s)) {
		const uint8_t *end = (const uint8_t *)bytes.data + bytes.len;

		buf_add(&s.out, s.done, (size_t)(end - s.done));
		made = arena_copy(a, buf_slice(&s.out));
	}
	buf_release(&s.out);
	return made;
}

/* The record's own, and what died: where that is wrapped, nobody knows where it stands. */
static void
mask_both(const struct path *p, struct slice *own, struct slice *inner,
	struct arena *a)
{
	struct path whole = { 0 };
	bool wrapped = !slice_eq(*own, *inner);

	*own = mask_bytes(wrapped ? &whole : p, *own, a);
	*inner = mask_bytes(p, *inner, a);
}

/* ---- what errors say ---- */

static struct slice
mask_message(struct slice text, struct arena *a)
{
	struct buf masked = BUF_INIT;

	if (slice_is_null(text))
		return text;
	fingerprint_mask(&masked, text);
	text = arena_copy(a, buf_slice(&masked));
	buf_release(&masked);
	return text;
}

static void
mask_error(struct deadletter_error *e, struct arena *a)
{
	e->message = mask_message(e->message, a);
	e->cause_message = mask_message(e->cause_message, a);
	if (!slice_is_null(e->stack))
		e->stack = slice_str(MASK);
}

static void
mask_deaths(struct deadletter *d, struct arena *a)
{
	struct deadletter_hop *hops = arena_array(a, (size_t)d->hops_n,
		sizeof(*hops));

	mask_error(&d->error, a);
	for (int i = 0; i < d->hops_n; i++) {
		hops[i] = d->hops[i];
		mask_error(&hops[i].error, a);
	}
	d->hops = hops;
}

/* ---- records ---- */

/* Which headers hold a message only their scheme knows: all that tell of the death. */
static void
mask_headers(const struct path *p, struct record *r, const struct deadletter *d,
	struct arena *a)
{
	struct record_header *list = arena_array(a, r->headers_n, sizeof(*list));

	for (size_t i = 0; i < r->headers_n; i++) {
		list[i] = r->headers[i];
		if (!slice_is_null(list[i].value) && (p->n ?
		    slice_eq(list[i].key, p->parts[0]) :
		    deadletter_is_header(d, list[i].key)))
			list[i].value = slice_str(MASK);
	}
	r->headers = list;
}

void
redact_apply(const struct redact *m, struct record *r, struct deadletter *d,
	struct arena *a)
{
	for (int i = 0; i < m->n; i++) {
		const struct path *p = &m->paths[i];

		if (slice_eq_str(p->root, "value")) {
			mask_both(p, &r->value, &d->value, a);
		} else if (slice_eq_str(p->root, "key")) {
			mask_both(p, &r->key, &d->key, a);
		} else {
			if (slice_eq_str(p->root, "message"))
				mask_deaths(d, a);
			mask_headers(p, r, d, a);
		}
	}
}
