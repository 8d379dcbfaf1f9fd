#include "model/replay_shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "model/src.h"

int
replay_shape_headers(struct replay_shape *s, const char *text, struct err *e)
{
	const char *eq = strchr(text, '=');

	if (!strcmp(text, "preserve") || !strcmp(text, "none")) {
		s->drop_headers = *text == 'n';
	} else if (text[0] == '-' && text[1]) {
		s->dropped = xreallocarray(s->dropped, (size_t)s->dropped_n + 1,
			sizeof(*s->dropped));
		s->dropped[s->dropped_n++] = slice_str(text + 1);
	} else if (text[0] == '+' && text[1] && eq != text + 1) {
		s->added = xreallocarray(s->added, (size_t)s->added_n + 1,
			sizeof(*s->added));
		s->added[s->added_n++] = (struct record_header){
			slice_make(text + 1, eq ? (size_t)(eq - text - 1) :
				strlen(text + 1)), slice_str(eq ? eq + 1 : NULL) };
	} else {
		return err_set(e, ERR_USAGE, "--headers '%s' (preserve, none, "
			"-NAME, or +NAME=VALUE)", text);
	}
	return 0;
}

int
replay_shape_timestamp(struct replay_shape *s, const char *text, int64_t now_ms,
	int64_t *start_ms, struct err *e)
{
	*start_ms = now_ms;
	if (!text || !strcmp(text, "preserve"))
		s->timestamp = REPLAY_TS_PRESERVE;
	else if (!strcmp(text, "now"))
		s->timestamp = REPLAY_TS_NOW;
	else if (!strncmp(text, "shift", 5) && (!text[5] || text[5] == '='))
		s->timestamp = REPLAY_TS_SHIFT;
	else
		return err_set(e, ERR_USAGE, "--timestamp '%s' (preserve, now, "
			"shift, or shift=TIME)", text);
	if (s->timestamp == REPLAY_TS_SHIFT && text[5] &&
	    num_time(slice_str(text + 6), now_ms, start_ms, e))
		return err_wrap(e, "--timestamp");
	return 0;
}

int
replay_shape_partition(struct replay_shape *s, const char *text, struct err *e)
{
	int64_t n;

	if (!text || !strcmp(text, "same")) {
		s->partition = REPLAY_PART_SAME;
	} else if (!strcmp(text, "key")) {
		s->partition = REPLAY_PART_KEY;
	} else if (!num_int(slice_str(text), 0, INT32_MAX, &n, e)) {
		s->partition = REPLAY_PART_FIXED;
		s->fixed = (int32_t)n;
	} else {
		return err_set(e, ERR_USAGE, "--to-partition '%s' (same, key, or "
			"a number)", text);
	}
	return 0;
}

void
replay_shape_release(struct replay_shape *s)
{
	free(s->dropped);
	free(s->added);
	free(s->headers);
	buf_release(&s->text);
}

static bool
is_tag(struct slice name)
{
	return slice_eq_str(name, REPLAY_TAG);
}

static bool
is_dropped(const struct replay_shape *s, struct slice name)
{
	if (s->drop_headers || (!slice_is_null(s->run) && is_tag(name)))
		return true;
	for (int i = 0; i < s->dropped_n; i++)
		if (slice_eq(s->dropped[i], name))
			return true;
	return false;
}

/* RUN/PARTITION/OFFSET */
static struct slice
tag_of(struct replay_shape *s, const struct record *r)
{
	int32_t partition = r->partition;
	int64_t offset = r->offset;
	struct err ignored;
	struct src src;

	if (!slice_is_null(r->src) && !src_parse(r->src, &src, &ignored)) {
		partition = src.partition;
		offset = src.offset;
	}
	buf_clear(&s->text);
	buf_addslice(&s->text, s->run);
	buf_addc(&s->text, '/');
	buf_addint(&s->text, partition);
	buf_addc(&s->text, '/');
	buf_addint(&s->text, offset);
	return buf_slice(&s->text);
}

static void
shape_headers(struct replay_shape *s, const struct record *r, struct record *out)
{
	size_t max = r->headers_n + (size_t)s->added_n + 1, n = 0;

	if (max > s->headers_cap) {
		s->headers = xreallocarray(s->headers, max, sizeof(*s->headers));
		s->headers_cap = max;
	}
	for (size_t i = 0; i < r->headers_n; i++)
		if (!is_dropped(s, r->headers[i].key))
			s->headers[n++] = r->headers[i];
	for (int i = 0; i < s->added_n; i++)
		s->headers[n++] = s->added[i];
	if (!slice_is_null(s->run))
		s->headers[n++] = (struct record_header){
			slice_str(REPLAY_TAG), tag_of(s, r) };
	out->headers = s->headers;
	out->headers_n = n;
}

void
replay_shape(struct replay_shape *s, const struct record *r, struct record *out)
{
	*out = *r;
	out->topic = s->topic;
	out->offset = -1;
	if (s->partition == REPLAY_PART_KEY)
		out->partition = -1;
	else if (s->partition == REPLAY_PART_FIXED)
		out->partition = s->fixed;
	if (s->timestamp == REPLAY_TS_NOW)
		out->has_timestamp = false;
	else if (s->timestamp == REPLAY_TS_SHIFT)
		out->timestamp += s->shift_ms;
	shape_headers(s, r, out);
	out->src = out->error = out->kc = SLICE_NULL;
}

struct slice
replay_header(const struct record *r, const char *name)
{
	for (size_t i = r->headers_n; i-- > 0; )
		if (slice_eq_str(r->headers[i].key, name))
			return r->headers[i].value;
	return SLICE_NULL;
}

/* The number behind the last slash, which is taken off. */
static bool
last_number(struct slice *s, int64_t max, int64_t *out)
{
	const char *p = s->data;
	size_t n = s->len;
	struct err ignored;

	while (n && p[n - 1] != '/')
		n--;
	if (!n || num_int(slice_make(p + n, s->len - n), 0, max, out, &ignored))
		return false;
	s->len = n - 1;
	return true;
}

bool
replay_tag(const struct record *r, struct slice *run, int32_t *partition,
	int64_t *offset)
{
	struct slice tag = replay_header(r, REPLAY_TAG);
	int64_t n;

	if (slice_is_null(tag) || !last_number(&tag, INT64_MAX, offset) ||
	    !last_number(&tag, INT32_MAX, &n) || !tag.len)
		return false;
	*run = tag;
	*partition = (int32_t)n;
	return true;
}

static uint32_t
add(uint32_t crc, struct slice s, uint64_t *bytes)
{
	uint64_t len = slice_is_null(s) ? UINT64_MAX : s.len;

	*bytes += s.len;
	crc = crc32c(crc, &len, sizeof(len));
	return s.len ? crc32c(crc, s.data, s.len) : crc;
}

uint64_t
replay_digest(const struct record *r, bool with_timestamp)
{
	int64_t timestamp = with_timestamp && r->has_timestamp ? r->timestamp : -1;
	uint64_t bytes = 0;
	uint32_t crc = crc32c(0, &timestamp, sizeof(timestamp));

	crc = add(crc, r->key, &bytes);
	crc = add(crc, r->value, &bytes);
	for (size_t i = 0; i < r->headers_n; i++) {
		if (is_tag(r->headers[i].key))
			continue;
		crc = add(crc, r->headers[i].key, &bytes);
		crc = add(crc, r->headers[i].value, &bytes);
	}
	return bytes << 32 | crc;
}
