#include "model/redrive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/xalloc.h"
#include "model/ledger.h"

int
redrive_headers_add(struct redrive_headers *h, const char *text, struct err *e)
{
	const char *eq = strchr(text, '=');

	if (!strcmp(text, "strip") || !strcmp(text, "keep")) {
		h->keep = *text == 'k';
		return 0;
	}
	if (*text == '-' && text[1]) {
		h->drop = xreallocarray(h->drop, (size_t)h->drop_n + 1,
			sizeof(*h->drop));
		h->drop[h->drop_n++] = slice_str(text + 1);
		return 0;
	}
	if (*text == '+' && eq && eq > text + 1) {
		h->add = xreallocarray(h->add, (size_t)h->add_n + 1,
			sizeof(*h->add));
		h->add[h->add_n++] = (struct record_header){
			slice_make(text + 1, (size_t)(eq - text - 1)),
			slice_str(eq + 1) };
		return 0;
	}
	return err_set(e, ERR_USAGE, "'%s' is none of strip, keep, -NAME, "
		"+NAME=VALUE", text);
}

void
redrive_headers_release(struct redrive_headers *h)
{
	free(h->drop);
	free(h->add);
	*h = (struct redrive_headers){ 0 };
}

struct slice
redrive_target(const struct deadletter *d, const struct redrive_form *f,
	int32_t *partition)
{
	struct slice topic = f->to ? slice_str(f->to) : d->origin.topic;

	*partition = slice_eq(topic, d->origin.topic) ? d->origin.partition : -1;
	return topic;
}

/* Where ".retry" or the like and what follows it begins; SIZE_MAX = nowhere. */
static size_t
find_suffix(struct slice name, int64_t *level)
{
	static const char word[] = "retry";
	const char *p = name.data;
	size_t n = name.len, digits = 0, end;
	struct err ignored = ERR_INIT;

	*level = -1;
	while (digits < n && p[n - digits - 1] >= '0' && p[n - digits - 1] <= '9')
		digits++;
	end = n;
	if (digits && digits < n && strchr(".-_", p[n - digits - 1])) {
		if (num_int(slice_make(p + n - digits, digits), 0, INT64_MAX,
		    level, &ignored))
			return SIZE_MAX;
		end = n - digits - 1;
	}
	if (end < sizeof(word) + 1 ||
	    strncasecmp(p + end - strlen(word), word, strlen(word)) ||
	    !strchr(".-_", p[end - sizeof(word)]))
		return SIZE_MAX;
	return end - sizeof(word);
}

bool
redrive_retry_level(struct slice origin, struct slice name, int64_t *level)
{
	int64_t ignored;
	size_t n = find_suffix(name, level), base = find_suffix(origin, &ignored);

	if (base == SIZE_MAX)
		base = origin.len;
	return n == base && !memcmp(name.data, origin.data, n);
}

static bool
is_ours(struct slice name)
{
	static const char *const names[] = { "kc-redrive-count", "kc-redrive-run",
		"kc-redrive-of" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_eq_str(name, names[i]))
			return true;
	return false;
}

static bool
goes(const struct deadletter *d, const struct redrive_headers *h,
	struct slice name)
{
	if (is_ours(name) || (!h->keep && deadletter_is_header(d, name)))
		return true;
	for (int i = 0; i < h->drop_n; i++)
		if (slice_eq(name, h->drop[i]))
			return true;
	return false;
}

static void
add(struct record_header *list, size_t *n, const char *name, const char *value)
{
	list[(*n)++] = (struct record_header){ slice_str(name), slice_str(value) };
}

static const char *
place(struct arena *a, struct slice topic, int32_t partition, int64_t offset)
{
	return arena_printf(a, "%.*s/%" PRId32 "/%" PRId64, SLICE_ARG(topic),
		partition, offset);
}

static void
make_headers(const struct record *r, const struct deadletter *d,
	const struct redrive_form *f, int64_t redrives, struct arena *a,
	struct record *out)
{
	size_t most = r->headers_n + (size_t)f->headers->add_n + 5, n = 0;
	struct record_header *list = arena_array(a, most, sizeof(*list));
	bool has_origin = false;

	for (size_t i = 0; i < r->headers_n; i++) {
		if (goes(d, f->headers, r->headers[i].key))
			continue;
		list[n++] = r->headers[i];
		has_origin |= slice_eq_str(r->headers[i].key, "kc-origin");
	}
	for (int i = 0; i < f->headers->add_n; i++)
		list[n++] = f->headers->add[i];
	if (!has_origin && !slice_is_null(d->origin.topic) &&
	    d->origin.partition >= 0 && d->origin.offset >= 0)
		add(list, &n, "kc-origin", place(a, d->origin.topic,
			d->origin.partition, d->origin.offset));
	add(list, &n, "kc-redrive-count", arena_printf(a, "%" PRId64, redrives));
	list[n++] = (struct record_header){ slice_str("kc-redrive-run"), f->run };
	add(list, &n, "kc-redrive-of", place(a, r->topic, r->partition, r->offset));
	out->headers = list;
	out->headers_n = n;
}

int
redrive_make(const struct record *r, const struct deadletter *d,
	const struct redrive_form *f, int64_t redrives, struct arena *a,
	struct record *out, struct err *e)
{
	*out = (struct record){ .offset = -1, .key = d->key, .value = d->value };
	out->topic = redrive_target(d, f, &out->partition);
	if (slice_is_null(out->topic))
		return err_set(e, ERR_FAILED, "its headers do not tell where it "
			"came from (--to TOPIC)");
	if (f->keep_timestamp && (d->origin.has_timestamp || r->has_timestamp)) {
		out->has_timestamp = true;
		out->timestamp = d->origin.has_timestamp ? d->origin.timestamp :
			r->timestamp;
		out->timestamp_type = TIMESTAMP_CREATE;
	}
	make_headers(r, d, f, redrives, a, out);
	return 0;
}

/* Provenance: a command may not change it. */
static bool
is_provenance(struct slice name)
{
	return is_ours(name) || slice_eq_str(name, "kc-origin") ||
		slice_eq_str(name, "kc-edited");
}

static size_t
copy_headers(const struct record *r, bool provenance, struct record_header *out)
{
	size_t n = 0;

	for (size_t i = 0; i < r->headers_n; i++)
		if (is_provenance(r->headers[i].key) == provenance)
			out[n++] = r->headers[i];
	return n;
}

void
redrive_undress(const struct record *copy, struct arena *a, struct record *out)
{
	struct record_header *list = arena_array(a, copy->headers_n, sizeof(*list));

	*out = *copy;
	out->headers_n = copy_headers(copy, false, list);
	out->headers = list;
}

bool
redrive_dress(const struct record *copy, const struct record *made, bool mark,
	struct arena *a, struct record *out)
{
	size_t most = copy->headers_n + made->headers_n + 1;
	struct record_header *list = arena_array(a, most, sizeof(*list));
	size_t n = copy_headers(made, false, list);
	bool edited = !slice_eq(copy->key, made->key) ||
		!slice_eq(copy->value, made->value);

	n += copy_headers(copy, true, list + n);
	if (edited && mark)
		add(list, &n, "kc-edited", arena_printf(a, "%016" PRIx64,
			ledger_fingerprint(copy->key, copy->value)));
	*out = *copy;
	out->key = made->key;
	out->value = made->value;
	out->headers = list;
	out->headers_n = n;
	return edited;
}
