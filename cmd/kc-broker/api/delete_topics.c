/*
 * DeleteTopics, by name or by id (v6, KIP-516). A topic that is named twice,
 * in whatever way, is not deleted.
 */
#include "api/api.h"
#include "broker.h"
#include "meta/meta.h"
#include "net/quota.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { STRICT_SINCE = 5 }; /* of quotas (KIP-599) */

static void
fail(struct delete_topics_response_topic *out, int16_t error, const char *why)
{
	out->error_code = error;
	out->error_message = slice_str(why ? why : kerr_message(error));
}

static void
fail_all(struct delete_topics_response *resp, int16_t error)
{
	for (int32_t i = 0; i < resp->responses_n; i++)
		if (!resp->responses[i].error_code)
			fail(&resp->responses[i], error, NULL);
}

/* What was asked for so far. */
struct seen {
	struct map names, ids;
};

/* Adds an entry for what is asked, or marks the one that is there. */
static void
add(struct request *rq, struct delete_topics_response *resp, struct seen *seen,
	struct slice name, const struct uuid *id)
{
	bool by_name = !slice_is_null(name), by_id = !uuid_is_zero(id);
	struct delete_topics_response_topic *out, *first;
	struct map *map = by_name ? &seen->names : &seen->ids;
	struct slice key = by_name ? name : slice_make(id->b, sizeof(id->b));

	first = by_name != by_id ? map_get(map, key) : NULL;
	if (first) {
		fail(first, KERR_INVALID_REQUEST, by_name ?
			"Duplicate topic name." : "Duplicate topic id.");
		return;
	}
	out = &resp->responses[resp->responses_n++];
	delete_topics_response_topic_init(out);
	out->name = by_name ? arena_copy(&rq->arena, name) : SLICE_NULL;
	out->topic_id = *id;
	out->error_message = SLICE_NULL;
	if (by_name && by_id)
		fail(out, KERR_INVALID_REQUEST,
			"You may not specify both topic name and topic id.");
	else if (!by_name && !by_id)
		fail(out, KERR_INVALID_REQUEST,
			"Neither topic name nor id were specified.");
	else
		map_put(map, key, out); /* as long as the frame: long enough */
}

static struct delete_topics_response *
begin_reply(struct request *rq, const struct delete_topics_request *q)
{
	static const struct uuid no_id;
	struct delete_topics_response *resp = arena_alloc(&rq->arena, sizeof(*resp));
	struct seen seen = { 0 };

	delete_topics_response_init(resp);
	resp->responses = arena_array(&rq->arena,
		(size_t)q->topics_n + (size_t)q->topic_names_n,
		sizeof(*resp->responses));
	for (int32_t i = 0; i < q->topics_n; i++)
		add(rq, resp, &seen, q->topics[i].name, &q->topics[i].topic_id);
	for (int32_t i = 0; i < q->topic_names_n; i++)
		add(rq, resp, &seen, q->topic_names[i], &no_id);
	map_release(&seen.names);
	map_release(&seen.ids);
	return resp;
}

/* The topic of an entry, name and id of which are completed; NULL with an error set. */
static struct topic *
find(struct request *rq, struct delete_topics_response_topic *out)
{
	bool by_name = !slice_is_null(out->name);
	struct topic *t = by_name ? meta_topic(rq->broker->meta, out->name) :
		meta_topic_by_id(rq->broker->meta, &out->topic_id);

	if (!t) {
		fail(out, by_name ? KERR_UNKNOWN_TOPIC_OR_PARTITION :
			KERR_UNKNOWN_TOPIC_ID, NULL);
		return NULL;
	}
	out->topic_id = t->id;
	out->name = arena_copy(&rq->arena, slice_str(t->name));
	if (t->internal) {
		fail(out, KERR_INVALID_REQUEST, "an internal topic is the "
			"broker's own and cannot be deleted");
		return NULL;
	}
	return t;
}

static void
delete_found(struct request *rq, struct delete_topics_response *resp)
{
	struct topic **topics = arena_array(&rq->arena, (size_t)resp->responses_n,
		sizeof(struct topic *));
	struct map by_id = { 0 };
	uint64_t commit;

	for (int32_t i = 0; i < resp->responses_n; i++) {
		struct delete_topics_response_topic *out = &resp->responses[i];
		struct delete_topics_response_topic *other;

		if (!out->error_code)
			topics[i] = find(rq, out);
		if (!topics[i])
			continue;
		other = map_put(&by_id, slice_make(out->topic_id.b,
			sizeof(out->topic_id.b)), out);
		if (other) {
			fail(other, KERR_INVALID_REQUEST, "The provided topic name "
				"maps to an ID that was already supplied.");
			fail(out, KERR_INVALID_REQUEST, "The provided topic ID "
				"belongs to a name that was already supplied.");
		}
	}
	for (int32_t i = 0; i < resp->responses_n; i++) {
		if (!topics[i] || resp->responses[i].error_code)
			continue;
		if (quota_may_change(rq, STRICT_SINCE, topics[i]->partitions_n))
			meta_delete_topic(rq->broker->meta, topics[i], &commit);
		else
			fail(&resp->responses[i], KERR_THROTTLING_QUOTA_EXCEEDED,
				NULL);
	}
	map_release(&by_id);
}

static void
on_commit(struct request *rq, int16_t error)
{
	if (error)
		fail_all(rq->state, error);
	delete_topics_response_write(request_reply(rq), rq->version, rq->state);
	request_finish(rq);
}

int
api_delete_topics(struct request *rq)
{
	struct delete_topics_request q;
	struct delete_topics_response *resp;
	uint64_t commit = 0;
	int16_t error;

	if (delete_topics_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	resp = begin_reply(rq, &q);
	rq->state = resp;
	if (!config_get_bool(rq->broker->config, "delete.topic.enable")) {
		fail_all(resp, rq->version < 3 ? KERR_INVALID_REQUEST :
			KERR_TOPIC_DELETION_DISABLED);
	} else {
		meta_begin(rq->broker->meta);
		delete_found(rq, resp);
		error = meta_end(rq->broker->meta, &commit);
		if (error)
			fail_all(resp, error);
	}
	request_wait_commit(rq, commit, on_commit);
	return 0;
}
