#include "meta/quotas.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "meta/settings.h"
#include "wire/errors.h"

static const char *const types[] = { "user", "client-id", "ip" };

static const struct {
	const char *name;
	bool of_address; /* else of users and clients */
	bool whole;      /* an integer */
} keys[] = {
	[QUOTA_PRODUCE] = { "producer_byte_rate", false, true },
	[QUOTA_FETCH] = { "consumer_byte_rate", false, true },
	[QUOTA_REQUEST] = { "request_percentage", false, false },
	[QUOTA_MUTATION] = { "controller_mutation_rate", false, false },
	[QUOTA_CONNECTION] = { "connection_creation_rate", true, true },
};

const char *
quota_type_name(enum quota_type t)
{
	return types[t];
}

int
quota_type_of(struct slice name)
{
	for (int i = 0; i < QUOTA_TYPES; i++)
		if (slice_eq_str(name, types[i]))
			return i;
	return -1;
}

const char *
quota_key_name(enum quota_key k)
{
	return keys[k].name;
}

/* ---- the entity as text: "0*1=5:alice", whatever the names contain -------- */

void
quota_entity_put(const struct quota_entity *q, struct buf *out)
{
	for (int i = 0; i < QUOTA_TYPES; i++) {
		if (!q->is_set[i])
			continue;
		buf_addc(out, (char)('0' + i));
		if (slice_is_null(q->names[i])) {
			buf_addc(out, '*');
			continue;
		}
		buf_addc(out, '=');
		buf_addint(out, (int64_t)q->names[i].len);
		buf_addc(out, ':');
		buf_addslice(out, q->names[i]);
	}
}

/* "5:alice", of which *p is moved behind. */
static bool
read_name(const char **p, const char *end, struct slice *out)
{
	size_t n = 0;

	while (*p < end && **p >= '0' && **p <= '9' && n < INT32_MAX / 10)
		n = n * 10 + (size_t)(*(*p)++ - '0');
	if (*p == end || *(*p)++ != ':' || n > (size_t)(end - *p))
		return false;
	*out = slice_make(*p, n);
	*p += n;
	return true;
}

bool
quota_entity_read(struct slice text, struct quota_entity *out)
{
	const char *p = text.data, *end = p + text.len;

	*out = (struct quota_entity){ 0 };
	while (end - p >= 2) {
		int type = *p++ - '0';
		char kind = *p++;

		if (type < 0 || type >= QUOTA_TYPES || out->is_set[type])
			return false;
		out->is_set[type] = true;
		if (kind != '*' &&
		    (kind != '=' || !read_name(&p, end, &out->names[type])))
			return false;
	}
	return p == end;
}

/* ---- checks --------------------------------------------------------------- */

static bool
is_address(struct slice s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr out;

	if (s.len >= sizeof(text) || memchr(s.data, '\0', s.len))
		return false;
	memcpy(text, s.data, s.len);
	text[s.len] = '\0';
	return inet_pton(AF_INET, text, &out) == 1 ||
		inet_pton(AF_INET6, text, &out) == 1;
}

int16_t
quota_check_entity(const struct quota_entity *q, struct arena *a, const char **why)
{
	struct slice ip = q->names[QUOTA_IP];
	bool any = false;

	for (int i = 0; i < QUOTA_TYPES; i++) {
		any |= q->is_set[i];
		if (!q->is_set[i] || slice_is_null(q->names[i]) || q->names[i].len)
			continue;
		*why = arena_printf(a, "Empty %s not supported", types[i]);
		return KERR_INVALID_REQUEST;
	}
	if (!any)
		*why = "Invalid empty client quota entity";
	else if (q->is_set[QUOTA_IP] &&
	    (q->is_set[QUOTA_USER] || q->is_set[QUOTA_CLIENT]))
		*why = "Invalid quota entity combination, IP entity should not be "
			"combined with User or ClientId";
	else if (q->is_set[QUOTA_IP] && !slice_is_null(ip) && !is_address(ip))
		*why = arena_printf(a, "%.*s is not a valid IP address",
			SLICE_ARG(ip));
	else
		return 0;
	return KERR_INVALID_REQUEST;
}

int16_t
quota_check_value(const struct quota_entity *q, struct slice key, bool is_removed,
	double value, struct arena *a, const char **why)
{
	int k = 0;

	if (is_removed)
		return 0;
	while (k < QUOTA_KEYS && (!slice_eq_str(key, keys[k].name) ||
	    keys[k].of_address != q->is_set[QUOTA_IP]))
		k++;
	if (k == QUOTA_KEYS)
		*why = arena_printf(a, "Invalid configuration key %.*s",
			SLICE_ARG(key));
	else if (!(value > 0))
		*why = arena_printf(a, "Quota %s must be greater than 0",
			keys[k].name);
	else if (value > 1e15)
		*why = arena_printf(a, "Quota %s is too large", keys[k].name);
	else if (keys[k].whole && value != (double)(int64_t)value)
		*why = arena_printf(a, "%s cannot be a fractional value.",
			keys[k].name);
	else
		return 0;
	return KERR_INVALID_REQUEST;
}

/* ---- which one counts ----------------------------------------------------- */

static double
limit_of(const struct meta *m, enum quota_key k, const struct quota_entity *q)
{
	struct buf name = BUF_INIT;
	struct slice value;

	quota_entity_put(q, &name);
	value = settings_get(meta_settings(m, SETTINGS_QUOTA, buf_slice(&name)),
		keys[k].name);
	buf_release(&name);
	return value.data ? strtod(value.data, NULL) : 0;
}

double
quota_of_client(const struct meta *m, enum quota_key k, struct slice user,
	struct slice client, struct buf *who)
{
	enum { NAMED, DEFAULT, NONE };
	static const uint8_t order[][2] = { /* user, client id */
		{ NAMED, NAMED }, { NAMED, DEFAULT }, { NAMED, NONE },
		{ DEFAULT, NAMED }, { DEFAULT, DEFAULT }, { DEFAULT, NONE },
		{ NONE, NAMED }, { NONE, DEFAULT },
	};

	if (slice_is_null(client))
		client = slice_str("");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		int u = order[i][0], c = order[i][1];
		struct quota_entity q = { { u != NONE, c != NONE, false },
			{ u == NAMED ? user : SLICE_NULL,
			c == NAMED ? client : SLICE_NULL, SLICE_NULL } };
		double limit = limit_of(m, k, &q);

		if (!limit)
			continue;
		/* The default is for each one; a quota by user is for all his clients. */
		q.names[QUOTA_USER] = user;
		q.names[QUOTA_CLIENT] = client;
		quota_entity_put(&q, who);
		return limit;
	}
	return 0;
}

double
quota_of_address(const struct meta *m, struct slice address, struct buf *who)
{
	struct quota_entity q = { { false, false, true },
		{ SLICE_NULL, SLICE_NULL, address } };
	double limit = limit_of(m, QUOTA_CONNECTION, &q);

	quota_entity_put(&q, who);
	if (limit)
		return limit;
	q.names[QUOTA_IP] = SLICE_NULL;
	return limit_of(m, QUOTA_CONNECTION, &q);
}
