#include "model/deadletter.h"

#include "base/num.h"
#include "model/deadletter_table.h"

/*
 * Where it died and what of are told by two runs of headers, each of which
 * begins anew when a field of it is told again. Frameworks repeat one and not
 * the other: Spring appends origins and replaces errors.
 */
enum half { HALF_ORIGIN, HALF_ERROR, HALVES };

/* A half of a death while its headers are gathered; then a death. */
struct death {
	struct deadletter_hop hop;
	enum half half;
	unsigned seen; /* bits 1 << field */
	bool ours;     /* a kc-* header was among them */
};

struct deaths {
	const struct record *r;
	struct deadletter *d;
	struct arena *arena;
	struct death *items; /* in the order of their first headers */
	int n;
	struct death *open[DEADLETTER_SCHEMES][HALVES]; /* being gathered */
};

static const struct deadletter_hop hop_none = {
	.origin = { .partition = -1, .offset = -1 },
	.attempts = -1, .failed_at = -1, .first_failed_at = -1,
};

const char *
deadletter_scheme_name(enum deadletter_scheme scheme)
{
	return death_schemes[scheme].name;
}

int
deadletter_scheme_parse(const char *name, enum deadletter_scheme *out, struct err *e)
{
	for (int s = 0; s < DEADLETTER_SCHEMES; s++)
		if (!strcmp(death_schemes[s].name, name)) {
			*out = (enum deadletter_scheme)s;
			return 0;
		}
	return err_set(e, ERR_USAGE, "no scheme '%s' (kc, connect, streams, share, "
		"spring, spring-retry, spring-cloud, smallrye, smallrye-retry, "
		"karafka, watermill, uber, camel, bakdata, none)", name);
}

/* ---- gathering ----------------------------------------------------------------- */

static void
warn_header(struct deaths *l, const struct record_header *h)
{
	if (!l->d->warning)
		l->d->warning = arena_printf(l->arena, "header '%.*s' cannot be "
			"decoded (%zu bytes)", SLICE_ARG(h->key), h->value.len);
}

static enum half
half_of(enum death_field field)
{
	switch (field) {
	case DEATH_TOPIC:
	case DEATH_PARTITION:
	case DEATH_OFFSET:
	case DEATH_TIMESTAMP:
	case DEATH_TIMESTAMP_TYPE:
	case DEATH_GROUP:
		return HALF_ORIGIN;
	default:
		return HALF_ERROR;
	}
}

/* The half that the field goes to; a new one when it was told already. */
static struct death *
death_of(struct deaths *l, enum deadletter_scheme s, enum death_field field)
{
	enum half half = half_of(field);
	struct death *death = l->open[s][half];
	unsigned bit = field == DEATH_OTHER ? 0 : 1u << field;

	if (!death || (death->seen & bit)) {
		death = &l->items[l->n++];
		*death = (struct death){ .hop = hop_none, .half = half };
		death->hop.scheme = s;
		l->open[s][half] = death;
	}
	return death;
}

static bool
wants_group(const struct deaths *l, enum deadletter_scheme s)
{
	const struct death *death = l->open[s][HALF_ORIGIN];

	return death && (death->seen & 1u << DEATH_TOPIC) &&
		!(death->seen & 1u << DEATH_GROUP);
}

static void
gather(struct deaths *l, const struct record_header *h)
{
	enum deadletter_scheme s;
	const struct death_header *row = death_header_find(h->key, &s);
	struct death *death;

	if (!row || row->once)
		return;
	/* Spring's retry topics name the group as its dead-letter topics do. */
	if (s == DEADLETTER_SPRING && row->field == DEATH_GROUP &&
	    !wants_group(l, s) && wants_group(l, DEADLETTER_SPRING_RETRY))
		s = DEADLETTER_SPRING_RETRY;
	death = death_of(l, s, row->field);
	death->seen |= 1u << row->field;
	death->ours |= row->name[0] == 'k' && row->name[1] == 'c';
	if (!death_header_decode(row, h->value, &death->hop))
		warn_header(l, h);
}

/* The next half of the scheme from `from` on, towards its older ones; or -1. */
static int
next_half(const struct deaths *l, enum deadletter_scheme s, enum half half, int from)
{
	int step = death_schemes[s].newest_first ? 1 : -1;

	for (int i = from; i >= 0 && i < l->n; i += step)
		if (l->items[i].hop.scheme == s && l->items[i].half == half)
			return i;
	return -1;
}

static void
join(struct death *origin, struct death *error)
{
	struct deadletter_origin o = origin->hop.origin;

	origin->hop = error->hop;
	origin->hop.origin = o;
	origin->seen |= error->seen;
	origin->ours |= error->ours;
	error->hop.scheme = DEADLETTER_NONE;
}

/* The newest error belongs to the newest origin, and so on. */
static void
join_halves(struct deaths *l, enum deadletter_scheme s)
{
	bool front = death_schemes[s].newest_first;
	int step = front ? 1 : -1, begin = front ? 0 : l->n - 1;
	int origin = next_half(l, s, HALF_ORIGIN, begin);
	int error = next_half(l, s, HALF_ERROR, begin);

	while (origin >= 0 && error >= 0) {
		join(&l->items[origin], &l->items[error]);
		origin = next_half(l, s, HALF_ORIGIN, origin + step);
		error = next_half(l, s, HALF_ERROR, error + step);
	}
}

/*
 * What belongs to the record and not to one death: into the scheme's newest,
 * a timestamp of the record's beginning into its oldest.
 */
static void
gather_once(struct deaths *l, const struct record_header *h)
{
	enum deadletter_scheme s;
	const struct death_header *row = death_header_find(h->key, &s);
	bool first;

	if (!row || !row->once)
		return;
	first = death_schemes[s].newest_first != (row->field == DEATH_TIMESTAMP);
	for (int i = 0; i < l->n; i++) {
		struct death *death = &l->items[first ? i : l->n - 1 - i];

		if (death->hop.scheme != s)
			continue;
		if (!death_header_decode(row, h->value, &death->hop))
			warn_header(l, h);
		return;
	}
}

static struct death *
newest_of(struct deaths *l, enum deadletter_scheme s)
{
	for (int i = l->n; i-- > 0; )
		if (l->items[i].hop.scheme == s)
			return &l->items[i];
	return NULL;
}

/* The same, where the group stands in front. */
static void
move_group(struct deaths *l)
{
	struct death *retry = newest_of(l, DEADLETTER_SPRING_RETRY),
		*group = newest_of(l, DEADLETTER_SPRING);

	if (!retry || !group || group->seen != 1u << DEATH_GROUP)
		return;
	retry->hop.origin.group = group->hop.origin.group;
	group->hop.scheme = DEADLETTER_NONE;
}

/* Drops what is no death: single headers of names that others use too. */
static void
sift(struct deaths *l)
{
	int kept = 0;

	for (int i = 0; i < l->n; i++) {
		struct death *death = &l->items[i];
		unsigned needs = death_schemes[death->hop.scheme].needs;

		if (death->hop.scheme == DEADLETTER_KC && !death->ours)
			death->hop.scheme = DEADLETTER_SHARE;
		if (death->hop.scheme && (death->seen & needs) == needs)
			l->items[kept++] = *death;
	}
	l->n = kept;
	l->d->schemes = 0;
	for (int i = 0; i < kept; i++)
		l->d->schemes |= 1u << l->items[i].hop.scheme;
}

/* ---- which is the newest ------------------------------------------------------- */

/* The record's own log tells: -1, 1, or 0 when these are of different partitions. */
static int
later_in_log(const struct deadletter_origin *a, const struct deadletter_origin *b)
{
	if (slice_is_null(a->topic) || !slice_eq(a->topic, b->topic) ||
	    a->partition < 0 || a->partition != b->partition ||
	    a->offset < 0 || b->offset < 0)
		return 0;
	return (a->offset > b->offset) - (a->offset < b->offset);
}

/*
 * Of those that are left, the newest stands at one of the two ends: a scheme
 * that puts its headers in front is first, one that appends is last. With
 * both there, offsets of one partition decide, or nothing does.
 */
static bool
newest_is_first(struct deaths *l, const struct death *first, const struct death *last)
{
	int order;

	if (!death_schemes[first->hop.scheme].newest_first)
		return false;
	if (death_schemes[last->hop.scheme].newest_first)
		return true;
	order = later_in_log(&first->hop.origin, &last->hop.origin);
	if (!order && !l->d->warning)
		l->d->warning = arena_printf(l->arena, "the headers do not tell "
			"which death was the last: %s's or %s's",
			death_schemes[first->hop.scheme].name,
			death_schemes[last->hop.scheme].name);
	return order >= 0;
}

static void
order_hops(struct deaths *l)
{
	struct deadletter_hop *hops = arena_array(l->arena, (size_t)l->n, sizeof(*hops));
	int first = 0, last = l->n - 1, n = 0;

	while (first < last)
		hops[n++] = newest_is_first(l, &l->items[first], &l->items[last]) ?
			l->items[first++].hop : l->items[last--].hop;
	if (first == last)
		hops[n++] = l->items[first].hop;
	l->d->hops = hops;
	l->d->hops_n = n;
}

/* ---- the answer ---------------------------------------------------------------- */

static void
read_provenance(const struct record *r, struct deadletter *d)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < r->headers_n; i++) {
		const struct record_header *h = &r->headers[i];

		if (h->key.len < 9 || memcmp(h->key.data, "kc-", 3))
			continue;
		if (slice_eq_str(h->key, "kc-redrive-count"))
			num_int(h->value, 0, INT64_MAX, &d->redrives, &e);
		else if (slice_eq_str(h->key, "kc-redrive-run"))
			d->redrive_run = h->value;
		else if (slice_eq_str(h->key, "kc-redrive-of"))
			d->redrive_of = h->value;
		else if (slice_eq_str(h->key, "kc-origin") &&
		    slice_is_null(d->first_origin))
			d->first_origin = h->value;
	}
}

/* A retry topic of the same framework counts the attempts. */
static int64_t
attempts_of(const struct deadletter *d)
{
	enum deadletter_scheme counts = d->scheme == DEADLETTER_SPRING ?
		DEADLETTER_SPRING_RETRY : d->scheme == DEADLETTER_SMALLRYE ?
		DEADLETTER_SMALLRYE_RETRY : DEADLETTER_NONE;

	for (int i = 0; i < d->hops_n; i++)
		if (!i || d->hops[i].scheme == counts)
			if (d->hops[i].attempts >= 0)
				return d->hops[i].attempts;
	return -1;
}

/* Where it came from: retry topics in between are not that. */
static struct deadletter_origin
origin_of(const struct deadletter *d)
{
	int i = 0;

	if (d->scheme == DEADLETTER_SMALLRYE_RETRY)
		while (i + 1 < d->hops_n && d->hops[i + 1].scheme == d->scheme)
			i++;
	return d->hops_n ? d->hops[i].origin : hop_none.origin;
}

/*
 * Most frameworks send a dead letter with the time of its death, and a topic
 * that stamps what is appended has it in any case.
 */
static int64_t
failed_at_of(const struct record *r, const struct deadletter *d)
{
	if (d->hops_n && d->hops[0].failed_at >= 0)
		return d->hops[0].failed_at;
	if (!r->has_timestamp || (death_schemes[d->scheme].keeps_time &&
	    r->timestamp_type != TIMESTAMP_APPEND))
		return -1;
	return r->timestamp;
}

/* Karafka before 2.5 sent the partition as the key; none was told as an empty one. */
static void
restore_key(const struct record *r, struct deadletter *d)
{
	for (size_t i = 0; i < r->headers_n; i++) {
		const struct record_header *h = &r->headers[i];

		if (d->scheme == DEADLETTER_KARAFKA &&
		    slice_eq_str(h->key, "original_key"))
			d->key = h->value.len ? h->value : SLICE_NULL;
	}
}

static void
answer(const struct record *r, struct deadletter *d)
{
	const struct deadletter_hop *newest = d->hops_n ? &d->hops[0] : &hop_none;

	d->scheme = newest->scheme;
	d->origin = origin_of(d);
	d->error = newest->error;
	d->attempts = attempts_of(d);
	d->failed_at = failed_at_of(r, d);
	d->first_failed_at = newest->first_failed_at;
	d->payload_lost = d->scheme == DEADLETTER_SHARE &&
		slice_is_null(d->key) && slice_is_null(d->value);
}

void
deadletter_read(const struct record *r, struct deadletter *d, struct arena *a)
{
	struct deaths l = { .r = r, .d = d, .arena = a };
	size_t known = 0;
	enum deadletter_scheme s;

	*d = (struct deadletter){ .key = r->key, .value = r->value };
	for (size_t i = 0; i < r->headers_n; i++)
		known += death_header_find(r->headers[i].key, &s) != NULL;
	/* One more, for a scheme without headers. */
	l.items = arena_array(a, known + 1, sizeof(*l.items));
	for (size_t i = 0; known && i < r->headers_n; i++)
		gather(&l, &r->headers[i]);
	for (int i = 1; known && i < DEADLETTER_SCHEMES; i++)
		if (l.open[i][HALF_ORIGIN] && l.open[i][HALF_ERROR])
			join_halves(&l, (enum deadletter_scheme)i);
	move_group(&l);
	for (size_t i = 0; known && i < r->headers_n; i++)
		gather_once(&l, &r->headers[i]);
	sift(&l);
	if (!l.n) {
		l.items[0].hop = hop_none;
		l.n = death_unwrap(r, d, &l.items[0].hop);
	}
	order_hops(&l);
	read_provenance(r, d);
	answer(r, d);
	restore_key(r, d);
}

bool
deadletter_is_header(const struct deadletter *d, struct slice name)
{
	static const char residue[] = "springDeserializerException";
	enum deadletter_scheme s;

	if (name.len >= sizeof(residue) - 1 &&
	    !memcmp(name.data, residue, sizeof(residue) - 1))
		return true;
	if (death_header_find(name, &s)) {
		unsigned ours = s == DEADLETTER_KC ? 1u << DEADLETTER_SHARE :
			s == DEADLETTER_SPRING ? 1u << DEADLETTER_SPRING_RETRY : 0;

		return d->schemes & (1u << s | ours);
	}
	for (int i = 0; i < DEADLETTER_SCHEMES; i++) {
		const char *prefix = death_schemes[i].prefix;

		if (prefix && d->schemes & 1u << i && name.len >= strlen(prefix) &&
		    !memcmp(name.data, prefix, strlen(prefix)))
			return true;
	}
	return false;
}
