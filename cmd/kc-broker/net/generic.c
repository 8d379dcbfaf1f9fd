#include "net/generic.h"

#include <string.h>

#include "api/api.h"
#include "base/be.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"
#include "wire/schema.h"
#include "wire/fields.h"

enum { API_VERSIONS = 18, MESSAGES = sizeof(any_messages) / sizeof(*any_messages) };

static const struct any_message *
find_message(int key, const char *kind)
{
	for (int i = 0; i < MESSAGES; i++)
		if (any_messages[i].key == key && !strcmp(any_messages[i].kind, kind))
			return &any_messages[i];
	return NULL; /* a row of the table has both: never */
}

static bool
is_in(const struct any_field *f, int version)
{
	return version >= f->min && version <= f->max;
}

static bool
is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

/* Where the items of an array are, and how many. */
static const uint8_t *
items_of(const struct any_field *f, const uint8_t *m, int *n)
{
	const uint8_t *items;
	int32_t count;

	memcpy(&items, m + f->at, sizeof(void *));
	memcpy(&count, m + f->count_at, sizeof(count));
	*n = count > 0 ? count : 0;
	return items;
}

/* ---- what a request names ------------------------------------------------- */

static const char *const topic_names[] = { "Name", "Topic", "TopicName", NULL };
static const char *const partition_names[] = { "Index", "Partition",
	"PartitionIndex", "PartitionId", "Partitions", "PartitionIndexes", NULL };

struct scan {
	struct request *rq;
	struct generic *g;
	int cap;
	struct slice topic;  /* of the struct that is being read, or null */
	bool has_partitions; /* the topic got one with a number */
	int8_t key_type;     /* of FindCoordinator: 0 group, 1 transaction */
};

static void
add(struct scan *s, enum generic_kind kind, struct slice text, int32_t partition)
{
	struct generic *g = s->g;

	if (slice_is_null(text))
		return;
	if (g->names_n == s->cap) {
		struct generic_name *old = g->names;

		s->cap = s->cap ? 2 * s->cap : 8;
		g->names = arena_array(&s->rq->arena, (size_t)s->cap,
			sizeof(*old));
		if (old)
			memcpy(g->names, old, (size_t)g->names_n * sizeof(*old));
	}
	g->names[g->names_n++] = (struct generic_name){ kind,
		arena_copy(&s->rq->arena, text), partition };
}

static void
see_text(struct scan *s, const struct any_field *f, const uint8_t *at,
	const char *parent)
{
	bool in_topics = strstr(parent, "Topic") != NULL;
	struct slice text;

	memcpy(&text, at, sizeof(text));
	if (!strcmp(f->name, "TransactionalId") ||
	    !strcmp(f->name, "TransactionalIds"))
		add(s, GENERIC_TXN, text, -1);
	else if (strstr(f->name, "Group") && strcmp(f->name, "GroupInstanceId") &&
	    !in_topics)
		add(s, GENERIC_GROUP, text, -1);
	else if (!strcmp(f->name, "Key") || !strcmp(f->name, "CoordinatorKeys"))
		add(s, s->key_type ? GENERIC_TXN : GENERIC_GROUP, text, -1);
	else if (f->array && strstr(f->name, "Topic"))
		add(s, GENERIC_TOPIC, text, -1);
	else if (in_topics && is_one_of(f->name, topic_names) && text.len)
		s->topic = text;
}

static void
see_id(struct scan *s, const struct any_field *f, const uint8_t *at)
{
	const struct topic *t;
	struct uuid id;

	memcpy(&id, at, sizeof(id));
	if (strcmp(f->name, "TopicId"))
		return;
	t = meta_topic_by_id(s->rq->broker->meta, &id);
	if (t)
		s->topic = slice_str(t->name);
}

static void
see_number(struct scan *s, const struct any_field *f, const uint8_t *at)
{
	int32_t v;

	memcpy(&v, at, sizeof(v));
	if (slice_is_null(s->topic) || !is_one_of(f->name, partition_names))
		return;
	add(s, GENERIC_TOPIC, s->topic, v);
	s->has_partitions = true;
}

static void scan_struct(struct scan *s, const struct any_struct *type,
	const uint8_t *m, const char *parent);

static void
scan_value(struct scan *s, const struct any_field *f, const uint8_t *at,
	const char *parent)
{
	switch (f->type) {
	case ANY_struct: scan_struct(s, f->sub, at, f->name); break;
	case ANY_string: see_text(s, f, at, parent); break;
	case ANY_uuid: see_id(s, f, at); break;
	case ANY_int32: see_number(s, f, at); break;
	case ANY_int8:
		if (!strcmp(f->name, "KeyType"))
			memcpy(&s->key_type, at, 1);
		break;
	default: break;
	}
}

/* The partitions of a topic may be structs of their own, within the topic's. */
static void
scan_struct(struct scan *s, const struct any_struct *type, const uint8_t *m,
	const char *parent)
{
	struct slice outer = s->topic;
	bool is_topic = strstr(parent, "Topic") != NULL;

	if (is_topic) {
		s->topic = SLICE_NULL;
		s->has_partitions = false;
	}
	/* KeyType stands behind Key on the wire: small things first. */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < type->n; i++) {
			const struct any_field *f = &type->fields[i];
			const uint8_t *items;
			int n;

			if (!is_in(f, s->rq->version) || f->optional ||
			    (f->type == ANY_int8) != !pass)
				continue;
			if (!f->array) {
				scan_value(s, f, m + f->at, parent);
				continue;
			}
			items = items_of(f, m, &n);
			for (int k = 0; k < n; k++)
				scan_value(s, f, items + (size_t)k * f->size,
					parent);
		}
	}
	if (is_topic && !s->has_partitions)
		add(s, GENERIC_TOPIC, s->topic, -1);
	if (is_topic)
		s->topic = outer;
}

int
generic_read(struct request *rq, struct generic *g)
{
	struct wire_reader r = rq->in;
	struct scan s = { .rq = rq, .g = g };

	*g = (struct generic){ .message = find_message(rq->api->key, "request") };
	g->body = arena_alloc(&rq->arena, g->message->size);
	if (g->message->read(&r, rq->version, g->body))
		return -1;
	scan_struct(&s, g->message->type, g->body, "");
	g->silent = rq->api->key == PRODUCE_REQUEST_KEY &&
		!((struct produce_request *)g->body)->acks;
	return 0;
}

/* ---- the reply that refuses it -------------------------------------------- */

static bool
is_code(const struct any_field *f)
{
	return f->type == ANY_int16 && !f->array && strstr(f->name, "ErrorCode");
}

static bool
holds_code(const struct any_struct *type, int version)
{
	for (size_t i = 0; i < type->n; i++) {
		const struct any_field *f = &type->fields[i];

		if (is_in(f, version) && (is_code(f) || (f->type == ANY_struct &&
		    f->array && holds_code(f->sub, version))))
			return true;
	}
	return false;
}

/* What the items of a reply's list answer: the same place in the request. */
static const struct any_field *
asked_for(const struct any_struct *type, int version)
{
	for (size_t i = 0; i < type->n; i++) {
		const struct any_field *f = &type->fields[i];

		if (is_in(f, version) && f->array && f->tag < 0)
			return f;
	}
	return NULL;
}

/* The item's name: the first of its kind in the request goes to the first in the reply. */
static void
copy_identity(const struct any_field *to, uint8_t *m, const struct any_field *in,
	const uint8_t *item, int version)
{
	const struct any_struct *type = in->sub;

	if (in->type != ANY_struct) {
		if (in->type == to->type)
			memcpy(m + to->at, item, to->size);
		return;
	}
	for (size_t i = 0; i < type->n; i++) {
		const struct any_field *f = &type->fields[i];

		if (f->type == to->type && !f->array && is_in(f, version)) {
			memcpy(m + to->at, item + f->at, to->size);
			return;
		}
	}
}

static bool
is_identity(const struct any_field *f)
{
	switch (f->type) {
	case ANY_string: return !strstr(f->name, "Message");
	case ANY_int32: return is_one_of(f->name, partition_names);
	case ANY_int8:
	case ANY_uuid: return true;
	default: return false;
	}
}

struct refusal {
	struct request *rq;
	int16_t error;
};

static void refuse_list(const struct refusal *r, const struct any_field *f,
	uint8_t *m, const struct any_field *asked, const uint8_t *from);

/* `in` and `item` describe what the struct answers; in NULL = the request. */
static void
refuse_struct(const struct refusal *r, const struct any_struct *type, uint8_t *m,
	const struct any_field *in, const uint8_t *item,
	const struct any_struct *asked)
{
	struct slice why = slice_str(kerr_message(r->error));
	int version = r->rq->version;
	unsigned copied = 0;
	bool said = false;

	type->init(m);
	for (size_t i = 0; i < type->n; i++) {
		const struct any_field *f = &type->fields[i];

		if (!is_in(f, version) || f->array || f->tag >= 0)
			continue;
		if (is_code(f)) {
			memcpy(m + f->at, &r->error, sizeof(r->error));
			said = true;
		} else if (!strcmp(f->name, "ErrorMessage")) {
			memcpy(m + f->at, &why, sizeof(why));
		} else if (in && is_identity(f) && !(copied & 1u << f->type)) {
			copied |= 1u << f->type;
			copy_identity(f, m, in, item, version);
		}
	}
	if (said || !asked)
		return;
	for (size_t i = 0; i < type->n; i++) {
		const struct any_field *f = &type->fields[i];

		if (is_in(f, version) && f->array && f->type == ANY_struct &&
		    holds_code(f->sub, version))
			refuse_list(r, f, m, asked_for(asked, version), item);
	}
}

static void
refuse_list(const struct refusal *r, const struct any_field *f, uint8_t *m,
	const struct any_field *asked, const uint8_t *from)
{
	const uint8_t *items;
	uint8_t *out;
	int32_t n;

	if (!asked)
		return;
	items = items_of(asked, from, &n);
	out = arena_array(&r->rq->arena, (size_t)n, f->size);
	for (int32_t i = 0; i < n; i++)
		refuse_struct(r, f->sub, out + (size_t)i * f->size, asked,
			items + (size_t)i * asked->size, asked->sub);
	memcpy(m + f->at, &out, sizeof(void *));
	memcpy(m + f->count_at, &n, sizeof(n));
}

void
generic_refuse(struct request *rq, const struct generic *g, int16_t error)
{
	const struct any_message *reply = find_message(rq->api->key, "response");
	struct refusal r = { rq, error };
	uint8_t *m = arena_alloc(&rq->arena, reply->size);

	refuse_struct(&r, reply->type, m, NULL, g->body, g->message->type);
	reply->write(request_reply(rq), rq->version, m);
}

/* ---- throttling ----------------------------------------------------------- */

/* Where the body begins: behind length, correlation id and the header's tags. */
static size_t
body_at(const struct request *rq)
{
	return 8 + (rq->version >= rq->api->flexible && rq->api->key != API_VERSIONS);
}

/* It does not come first in this reply: read, changed, written again. */
static void
throttle_inside(struct request *rq, const struct any_message *reply,
	const struct any_field *f, int32_t ms)
{
	struct slice whole = arena_copy(&rq->arena, buf_slice(&rq->out.out));
	uint8_t *m = arena_alloc(&rq->arena, reply->size);
	size_t at = body_at(rq);
	struct wire_reader r;

	wire_reader_init(&r, slice_make((const uint8_t *)whole.data + at,
		whole.len - at), &rq->arena);
	if (reply->read(&r, rq->version, m))
		return;
	memcpy(m + f->at, &ms, sizeof(ms));
	wire_writer_clear(&rq->out);
	reply->write(request_reply(rq), rq->version, m);
}

void
generic_throttle(struct request *rq, int32_t ms)
{
	const struct any_message *reply = find_message(rq->api->key, "response");
	const struct any_struct *type = reply->type;

	for (size_t i = 0; i < type->n; i++) {
		const struct any_field *f = &type->fields[i];

		if (strcmp(f->name, "ThrottleTimeMs") || !is_in(f, rq->version))
			continue;
		/* A Fetch's records are in files: it must not be read again. */
		if (!i)
			be32_put(rq->out.out.data + body_at(rq), (uint32_t)ms);
		else
			throttle_inside(rq, reply, f, ms);
	}
}
