#include "meta/meta_log.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/xalloc.h"
#include "wire/messages.h"

/* Values of the key; never reuse one. */
enum record_type {
	RECORD_HEADER = 1,
	RECORD_TOPIC = 2,
	RECORD_DELETION = 3,
	RECORD_PRODUCERS = 4,
	RECORD_SETTINGS = 5,
};

enum { SCHEMA = 0 }; /* the version of each message that is written */

static struct wire_writer
value_begin(void)
{
	struct wire_writer w = { 0 };

	wire_put_int16(&w, SCHEMA);
	return w;
}

static void
value_end(struct batch_builder *bb, int64_t now, enum record_type type,
	struct wire_writer *w)
{
	uint8_t key[2];

	be16_put(key, type);
	batch_add(bb, now, slice_make(key, sizeof(key)), buf_slice(&w->out));
	wire_writer_release(w);
}

void
meta_log_put_header(struct batch_builder *bb, int64_t now,
	const struct uuid *cluster_id)
{
	struct wire_writer w = value_begin();
	struct meta_header h = { .format = META_FORMAT, .cluster_id = *cluster_id };

	meta_header_write(&w, SCHEMA, &h);
	value_end(bb, now, RECORD_HEADER, &w);
}

void
meta_log_put_topic(struct batch_builder *bb, int64_t now, const struct topic *t,
	int32_t partitions_n, const struct map *configs)
{
	struct wire_writer w = value_begin();
	struct meta_topic_config *c = xcalloc(configs->len, sizeof(*c));
	struct meta_topic m = {
		.topic_id = t->id,
		.name = slice_str(t->name),
		.partitions = partitions_n,
		.configs = c,
		.configs_n = (int32_t)configs->len,
	};
	const struct topic_config_value *v;

	for (size_t i = 0; (v = map_next(configs, &i)); c++) {
		c->name = slice_str(v->config->name);
		c->value = slice_make(v->value, v->len);
	}
	meta_topic_write(&w, SCHEMA, &m);
	free(m.configs);
	value_end(bb, now, RECORD_TOPIC, &w);
}

void
meta_log_put_deletion(struct batch_builder *bb, int64_t now,
	const struct uuid *topic_id)
{
	struct wire_writer w = value_begin();
	struct meta_deletion d = { .topic_id = *topic_id };

	meta_deletion_write(&w, SCHEMA, &d);
	value_end(bb, now, RECORD_DELETION, &w);
}

void
meta_log_put_producers(struct batch_builder *bb, int64_t now, int64_t next)
{
	struct wire_writer w = value_begin();
	struct meta_producers p = { .next = next };

	meta_producers_write(&w, SCHEMA, &p);
	value_end(bb, now, RECORD_PRODUCERS, &w);
}

void
meta_log_put_settings(struct batch_builder *bb, int64_t now, const struct settings *s)
{
	struct wire_writer w = value_begin();
	struct meta_settings_value *v = xcalloc(s->values.len, sizeof(*v));
	struct meta_settings m = {
		.kind = (int8_t)s->kind,
		.name = s->name,
		.values = v,
		.values_n = (int32_t)s->values.len,
	};
	const struct setting *one;

	for (size_t i = 0; (one = map_next(&s->values, &i)); v++) {
		v->key = one->key;
		v->value = one->value;
	}
	meta_settings_write(&w, SCHEMA, &m);
	free(m.values);
	value_end(bb, now, RECORD_SETTINGS, &w);
}

/* ---- reading ---------------------------------------------------------------- */

static int
damaged(const struct log_record *r, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the record at offset %" PRId64
		" cannot be read", r->offset);
}

static int
read_header(const struct log_record *r, struct wire_reader *in, int16_t version,
	const struct meta_log_reader *to, void *arg, struct err *e)
{
	struct meta_header h;

	if (meta_header_read(in, version, &h) < 0)
		return damaged(r, e);
	if (h.format > META_FORMAT)
		return err_set(e, ERR_UNSUPPORTED, "its format is %d, of a newer "
			"kc-broker; this one reads up to %d (use the newer one)",
			h.format, META_FORMAT);
	return to->header(arg, r->offset, &h.cluster_id, e);
}

static int
read_topic(const struct log_record *r, struct wire_reader *in, int16_t version,
	const struct meta_log_reader *to, void *arg, struct err *e)
{
	struct config_change *configs;
	struct meta_topic t;

	if (meta_topic_read(in, version, &t) < 0)
		return damaged(r, e);
	configs = arena_array(in->arena, (size_t)t.configs_n, sizeof(*configs));
	for (int32_t i = 0; i < t.configs_n; i++) {
		configs[i].name = t.configs[i].name;
		configs[i].value = t.configs[i].value;
	}
	return to->topic(arg, &t.topic_id, t.name, t.partitions, configs,
		t.configs_n, e);
}

static int
read_deletion(const struct log_record *r, struct wire_reader *in, int16_t version,
	const struct meta_log_reader *to, void *arg, struct err *e)
{
	struct meta_deletion d;

	if (meta_deletion_read(in, version, &d) < 0)
		return damaged(r, e);
	return to->deletion(arg, &d.topic_id, e);
}

static int
read_producers(const struct log_record *r, struct wire_reader *in, int16_t version,
	const struct meta_log_reader *to, void *arg, struct err *e)
{
	struct meta_producers p;

	if (meta_producers_read(in, version, &p) < 0 || p.next < 0)
		return damaged(r, e);
	return to->producers(arg, p.next, e);
}

static int
read_settings(const struct log_record *r, struct wire_reader *in, int16_t version,
	const struct meta_log_reader *to, void *arg, struct err *e)
{
	struct config_change *values;
	struct meta_settings s;

	if (meta_settings_read(in, version, &s) < 0)
		return damaged(r, e);
	values = arena_array(in->arena, (size_t)s.values_n, sizeof(*values));
	for (int32_t i = 0; i < s.values_n; i++) {
		values[i].name = s.values[i].key;
		values[i].value = s.values[i].value;
	}
	return to->settings(arg, s.kind, s.name, values, s.values_n, e);
}

int
meta_log_read(const struct log_record *r, struct arena *a,
	const struct meta_log_reader *to, void *arg, struct err *e)
{
	static int (*const readers[])(const struct log_record *,
		struct wire_reader *, int16_t, const struct meta_log_reader *,
		void *, struct err *) = {
		[RECORD_HEADER] = read_header,
		[RECORD_TOPIC] = read_topic,
		[RECORD_DELETION] = read_deletion,
		[RECORD_PRODUCERS] = read_producers,
		[RECORD_SETTINGS] = read_settings,
	};
	struct wire_reader in;
	uint16_t type;
	int16_t version;

	if (r->key.len != 2)
		return damaged(r, e);
	type = be16_get(r->key.data);
	wire_reader_init(&in, r->value, a);
	version = wire_get_int16(&in);
	if (type >= sizeof(readers) / sizeof(readers[0]) || !readers[type] ||
	    version != SCHEMA)
		return err_set(e, ERR_UNSUPPORTED, "the record at offset %" PRId64
			" is of type %d version %d, which this kc-broker does "
			"not know", r->offset, type, version);
	return readers[type](r, &in, version, to, arg, e);
}
