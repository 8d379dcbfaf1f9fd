#include "model/record_where.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const roots[] = { "value", "key", "header", "topic",
	"partition", "offset", "timestamp" };

int
record_where_parse(struct where *w, const char *text, struct err *e)
{
	if (where_parse(w, text, e))
		return -1;
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (slice_eq_str(w->path.root, roots[i]))
			return 0;
	err_set(e, ERR_USAGE, "a record has no '%.*s' (it has value, value.NAME, "
		"key, header.NAME, topic, partition, offset, timestamp)",
		SLICE_ARG(w->path.root));
	where_release(w);
	return -1;
}

bool
record_where_header(const struct where *w, const struct record *r)
{
	struct where plain = *w;
	bool any = false, found = false;

	plain.not = false;
	for (size_t i = 0; i < r->headers_n; i++) {
		if (w->path.n && !slice_eq(r->headers[i].key, w->path.parts[0]))
			continue;
		found = true;
		any |= where_matches(&plain, r->headers[i].value);
	}
	if (!found)
		any = where_matches(&plain, SLICE_NULL);
	return any != w->not;
}

bool
record_where_matches(const struct where *w, const struct record *r)
{
	char text[24];
	int64_t number;

	switch (((const char *)w->path.root.data)[0]) {
	case 'v':
		return where_matches(w, r->value);
	case 'k':
		return where_matches(w, r->key);
	case 'h':
		return record_where_header(w, r);
	case 'p':
		number = r->partition;
		break;
	case 'o':
		number = r->offset;
		break;
	default:
		if (slice_eq_str(w->path.root, "topic"))
			return where_matches(w, r->topic);
		number = r->timestamp;
	}
	return where_matches(w, slice_make(text, (size_t)snprintf(text,
		sizeof(text), "%" PRId64, number)));
}
