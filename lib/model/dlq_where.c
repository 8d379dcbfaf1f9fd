#include "model/dlq_where.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/near.h"
#include "model/dlq_group.h"
#include "model/record_where.h"

/* A text, a number, or neither: a header, of which there may be several. */
struct field {
	const char *name;
	struct slice text;
	int64_t number; /* -1 = not told */
};

enum { FIELDS = 14 };

/* All that a condition may be about; x NULL = only the names. */
static void
list_fields(const struct dlq_record *x, struct field out[FIELDS])
{
	static const struct deadletter none;
	const struct deadletter *d = x ? x->d : &none;
	const struct field fields[FIELDS] = {
		{ "value", d->value, -1 }, { "key", d->key, -1 },
		{ "header", SLICE_NULL, -1 },
		{ "class", d->error.class, -1 },
		{ "message", d->error.message, -1 },
		{ "stage", d->error.stage, -1 }, { "kind", d->error.kind, -1 },
		{ "scheme", slice_str(deadletter_scheme_name(d->scheme)), -1 },
		{ "topic", d->origin.topic, -1 },
		{ "partition", SLICE_NULL, d->origin.partition },
		{ "offset", SLICE_NULL, d->origin.offset },
		{ "timestamp", SLICE_NULL, x ? dlq_failed_at(x) : -1 },
		{ "attempts", SLICE_NULL, d->attempts },
		{ "redrives", SLICE_NULL, d->redrives },
	};

	memcpy(out, fields, sizeof(fields));
}

int
dlq_where_parse(struct where *w, const char *text, struct err *e)
{
	struct field fields[FIELDS];
	struct near near;

	if (where_parse(w, text, e))
		return -1;
	near = near_init(w->path.root);
	list_fields(NULL, fields);
	for (int i = 0; i < FIELDS; i++) {
		if (slice_eq_str(w->path.root, fields[i].name))
			return 0;
		near_offer(&near, fields[i].name);
	}
	err_set(e, ERR_USAGE, "a dead letter has no '%.*s' (%s%s%s)",
		SLICE_ARG(w->path.root), near.name ? "did you mean " : "",
		near.name ? near.name : "value, value.NAME, key, header.NAME, "
		"class, message, stage, kind, scheme, topic, partition, offset, "
		"timestamp, attempts, redrives", near.name ? "?" : "");
	where_release(w);
	return -1;
}

bool
dlq_where_matches(const struct where *w, const struct dlq_record *x)
{
	struct field fields[FIELDS];
	char text[24];
	int i = 0;

	if (slice_eq_str(w->path.root, "header"))
		return record_where_header(w, x->r);
	list_fields(x, fields);
	while (!slice_eq_str(w->path.root, fields[i].name))
		i++;
	if (fields[i].number >= 0)
		fields[i].text = slice_make(text, (size_t)snprintf(text,
			sizeof(text), "%" PRId64, fields[i].number));
	return where_matches(w, fields[i].text);
}
