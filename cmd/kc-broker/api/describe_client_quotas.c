/* DescribeClientQuotas (KIP-546): the quotas of the entities that a filter finds. */
#include <stdlib.h>

#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "meta/quotas.h"
#include "meta/settings.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { MATCH_EXACT, MATCH_DEFAULT, MATCH_ANY, MATCH_NONE };

/* What is asked of each type of name. */
struct filter {
	int match[QUOTA_TYPES]; /* MATCH_NONE = not mentioned */
	struct slice names[QUOTA_TYPES];
	bool strict;
};

static int16_t
read_component(const struct describe_client_quotas_request_component *in,
	struct filter *f, struct arena *a, const char **why)
{
	int type = quota_type_of(in->entity_type);
	bool has_name = !slice_is_null(in->match);

	if (!in->entity_type.len) {
		*why = "Invalid empty entity type.";
		return KERR_INVALID_REQUEST;
	}
	if (type < 0) {
		*why = arena_printf(a, "Unsupported entity type %.*s",
			SLICE_ARG(in->entity_type));
		return KERR_UNSUPPORTED_VERSION;
	}
	if (in->match_type < MATCH_EXACT || in->match_type > MATCH_ANY)
		*why = arena_printf(a, "Unknown match type %d", in->match_type);
	else if (f->match[type] != MATCH_NONE)
		*why = arena_printf(a, "Entity type %s cannot appear more than "
			"once in the filter.", quota_type_name((enum quota_type)type));
	else if (in->match_type == MATCH_EXACT && !has_name)
		*why = "Request specified MATCH_TYPE_EXACT, but set match string to null.";
	else if (in->match_type == MATCH_DEFAULT && has_name && in->match.len)
		*why = "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.";
	else if (in->match_type == MATCH_ANY && has_name && in->match.len)
		*why = "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.";
	else {
		f->match[type] = in->match_type;
		f->names[type] = in->match;
		return 0;
	}
	return KERR_INVALID_REQUEST;
}

static int16_t
read_filter(const struct describe_client_quotas_request *q, struct filter *f,
	struct arena *a, const char **why)
{
	f->strict = q->strict;
	for (int i = 0; i < QUOTA_TYPES; i++)
		f->match[i] = MATCH_NONE;
	for (int32_t i = 0; i < q->components_n; i++) {
		int16_t error = read_component(&q->components[i], f, a, why);

		if (error)
			return error;
	}
	if (f->match[QUOTA_IP] == MATCH_NONE || (f->match[QUOTA_USER] == MATCH_NONE &&
	    f->match[QUOTA_CLIENT] == MATCH_NONE))
		return 0;
	*why = "Invalid entity filter component combination, IP filter component "
		"should not be used with User or ClientId filter component.";
	return KERR_INVALID_REQUEST;
}

static bool
is_found(const struct filter *f, const struct quota_entity *q)
{
	for (int i = 0; i < QUOTA_TYPES; i++) {
		bool is_default = slice_is_null(q->names[i]);

		if (f->match[i] == MATCH_NONE && !(f->strict && q->is_set[i]))
			continue;
		if (!q->is_set[i] || f->match[i] == MATCH_NONE ||
		    (f->match[i] == MATCH_DEFAULT && !is_default) ||
		    (f->match[i] == MATCH_EXACT &&
		    !slice_eq(f->names[i], q->names[i])))
			return false;
	}
	return true;
}

static void
put_entry(struct request *rq, const struct settings *s, const struct quota_entity *q,
	struct describe_client_quotas_response_entry *out)
{
	struct arena *a = &rq->arena;
	const struct setting *v;

	out->entity = arena_array(a, QUOTA_TYPES, sizeof(*out->entity));
	out->entity_n = 0;
	for (int i = 0; i < QUOTA_TYPES; i++) {
		struct describe_client_quotas_response_entity *e =
			&out->entity[out->entity_n];

		if (!q->is_set[i])
			continue;
		e->entity_type = slice_str(quota_type_name((enum quota_type)i));
		e->entity_name = q->names[i];
		out->entity_n++;
	}
	out->values = arena_array(a, s->values.len, sizeof(*out->values));
	out->values_n = 0;
	for (size_t i = 0; (v = map_next(&s->values, &i)); out->values_n++) {
		out->values[out->values_n].key = v->key;
		out->values[out->values_n].value = strtod(v->value.data, NULL);
	}
}

static void
put_all(struct request *rq, const struct filter *f,
	struct describe_client_quotas_response *resp)
{
	const struct meta *m = rq->broker->meta;
	const struct settings *s;
	struct quota_entity q;

	resp->entries = arena_array(&rq->arena,
		(size_t)meta_settings_count(m, SETTINGS_QUOTA),
		sizeof(*resp->entries));
	resp->entries_n = 0;
	for (size_t i = 0; (s = meta_settings_next(m, &i)); )
		if (s->kind == SETTINGS_QUOTA && quota_entity_read(s->name, &q) &&
		    is_found(f, &q))
			put_entry(rq, s, &q, &resp->entries[resp->entries_n++]);
}

int
api_describe_client_quotas(struct request *rq)
{
	struct describe_client_quotas_response resp;
	struct describe_client_quotas_request q;
	const char *why = NULL;
	struct filter f;

	if (describe_client_quotas_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_client_quotas_response_init(&resp);
	resp.error_code = read_filter(&q, &f, &rq->arena, &why);
	resp.error_message = slice_str(why ? why : "");
	if (resp.error_code)
		resp.entries_n = -1;
	else
		put_all(rq, &f, &resp);
	describe_client_quotas_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
