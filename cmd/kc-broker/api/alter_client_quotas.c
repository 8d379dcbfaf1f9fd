/* AlterClientQuotas (KIP-546): sets and drops quotas of entities. */
#include "api/api.h"
#include "base/map.h"
#include "broker.h"
#include "meta/meta.h"
#include "meta/quotas.h"
#include "meta/settings.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

static void
fail(struct alter_client_quotas_response_entry *out, int16_t error, const char *why)
{
	out->error_code = error;
	out->error_message = slice_str(why ? why : kerr_message(error));
}

static void
fail_all(struct alter_client_quotas_response *resp, int16_t error)
{
	for (int32_t i = 0; i < resp->entries_n; i++)
		if (!resp->entries[i].error_code)
			fail(&resp->entries[i], error, NULL);
}

static int16_t
read_entity(const struct alter_client_quotas_request_entry *in,
	struct quota_entity *out, struct arena *a, const char **why)
{
	*out = (struct quota_entity){ 0 };
	for (int32_t i = 0; i < in->entity_n; i++) {
		int type = quota_type_of(in->entity[i].entity_type);

		if (type < 0) {
			*why = arena_printf(a, "Unhandled client quota entity "
				"type: %.*s", SLICE_ARG(in->entity[i].entity_type));
			return KERR_INVALID_REQUEST;
		}
		out->is_set[type] = true;
		out->names[type] = in->entity[i].entity_name;
	}
	return quota_check_entity(out, a, why);
}

/* In its shortest form: 1000, 1.5 */
static struct slice
number_text(struct arena *a, double value)
{
	if (value == (double)(int64_t)value)
		return slice_str(arena_printf(a, "%lld", (long long)value));
	return slice_str(arena_printf(a, "%.17g", value));
}

static int16_t
to_changes(const struct alter_client_quotas_request_entry *in,
	const struct quota_entity *q, struct config_change *out, struct arena *a,
	const char **why)
{
	for (int32_t i = 0; i < in->ops_n; i++) {
		const struct alter_client_quotas_request_op *op = &in->ops[i];
		int16_t error = quota_check_value(q, op->key, op->remove,
			op->value, a, why);

		if (error)
			return error;
		out[i].name = op->key;
		out[i].value = op->remove ? SLICE_NULL : number_text(a, op->value);
	}
	return 0;
}

static int16_t
alter(struct request *rq, const struct alter_client_quotas_request_entry *in,
	struct map *seen, bool validate_only, const char **why)
{
	struct arena *a = &rq->arena;
	struct config_change *changes = arena_array(a, (size_t)in->ops_n,
		sizeof(*changes));
	struct buf name = BUF_INIT;
	struct quota_entity q;
	struct slice key;
	uint64_t commit;
	int16_t error;

	if ((error = read_entity(in, &q, a, why)))
		return error;
	quota_entity_put(&q, &name);
	key = arena_copy(a, buf_slice(&name));
	buf_release(&name);
	if (map_put(seen, key, rq)) {
		*why = arena_printf(a, "Ignoring duplicate entity %.*s",
			SLICE_ARG(key));
		return KERR_INVALID_REQUEST;
	}
	error = to_changes(in, &q, changes, a, why);
	if (error || validate_only)
		return error;
	return meta_alter_settings(rq->broker->meta, SETTINGS_QUOTA, key, changes,
		in->ops_n, &commit, why);
}

static void
put_entity(struct request *rq, const struct alter_client_quotas_request_entry *in,
	struct alter_client_quotas_response_entry *out)
{
	out->entity = arena_array(&rq->arena, (size_t)in->entity_n,
		sizeof(*out->entity));
	out->entity_n = in->entity_n;
	for (int32_t i = 0; i < in->entity_n; i++) {
		struct slice name = in->entity[i].entity_name;

		out->entity[i].entity_type = arena_copy(&rq->arena,
			in->entity[i].entity_type);
		out->entity[i].entity_name = slice_is_null(name) ? name :
			arena_copy(&rq->arena, name);
	}
}

static void
on_commit(struct request *rq, int16_t error)
{
	if (error)
		fail_all(rq->state, error);
	alter_client_quotas_response_write(request_reply(rq), rq->version, rq->state);
	request_finish(rq);
}

static void
alter_each(struct request *rq, const struct alter_client_quotas_request *q,
	struct alter_client_quotas_response *resp)
{
	struct map seen = { 0 };

	for (int32_t i = 0; i < q->entries_n; i++) {
		struct alter_client_quotas_response_entry *out = &resp->entries[i];
		const char *why = NULL;
		int16_t error;

		alter_client_quotas_response_entry_init(out);
		out->error_message = SLICE_NULL;
		put_entity(rq, &q->entries[i], out);
		error = alter(rq, &q->entries[i], &seen, q->validate_only, &why);
		if (error)
			fail(out, error, why);
	}
	map_release(&seen);
}

int
api_alter_client_quotas(struct request *rq)
{
	struct alter_client_quotas_response *resp;
	struct alter_client_quotas_request q;
	uint64_t commit;
	int16_t error;

	if (alter_client_quotas_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	resp = arena_alloc(&rq->arena, sizeof(*resp));
	alter_client_quotas_response_init(resp);
	resp->entries = arena_array(&rq->arena, (size_t)q.entries_n,
		sizeof(*resp->entries));
	resp->entries_n = q.entries_n;
	rq->state = resp;
	meta_begin(rq->broker->meta);
	alter_each(rq, &q, resp);
	error = meta_end(rq->broker->meta, &commit);
	if (error)
		fail_all(resp, error);
	request_wait_commit(rq, commit, on_commit);
	return 0;
}
