/*
 * UpdateFeatures (KIP-584): features stand where this program has them. To
 * ask for that is granted, for anything else refused.
 */
#include "api/api.h"
#include "api/features.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { UPGRADE = 1, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE };

static const struct feature *
find(struct slice name)
{
	int n;
	const struct feature *f = features(&n);

	for (int i = 0; i < n; i++)
		if (slice_eq_str(name, f[i].name))
			return &f[i];
	return NULL;
}

static const char *
check(const struct update_features_request_update *u, struct arena *a)
{
	const struct feature *f = find(u->feature);
	int level = u->max_version_level;

	if (u->upgrade_type < UPGRADE || u->upgrade_type > UNSAFE_DOWNGRADE)
		return "The controller does not support the given upgrade type.";
	if (level < 0)
		return "A feature version cannot be less than 0.";
	if (!f)
		return "This broker does not support this feature.";
	if (level < f->min || level > f->max)
		return arena_printf(a, "This broker only supports versions %d-%d",
			f->min, f->max);
	if (level != f->level)
		return arena_printf(a, "kc-broker works at version %d, always",
			f->level);
	return NULL;
}

static void
check_all(struct request *rq, const struct update_features_request *q,
	struct update_features_response *resp)
{
	for (int32_t i = 0; i < q->feature_updates_n; i++) {
		const struct update_features_request_update *u =
			&q->feature_updates[i];
		const char *why = check(u, &rq->arena);

		if (!why)
			continue;
		resp->error_code = KERR_INVALID_UPDATE_VERSION;
		resp->error_message = slice_str(arena_printf(&rq->arena,
			"The update failed for all features since the following "
			"feature had an error: Invalid update version %d for "
			"feature %.*s. %s", u->max_version_level,
			SLICE_ARG(u->feature), why));
		return;
	}
}

int
api_update_features(struct request *rq)
{
	struct update_features_response resp;
	struct update_features_request q;

	if (update_features_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	update_features_response_init(&resp);
	resp.error_message = SLICE_NULL;
	check_all(rq, &q, &resp);
	/* Version 2 has no results any more. */
	if (!resp.error_code && rq->version < 2) {
		resp.results = arena_array(&rq->arena, (size_t)q.feature_updates_n,
			sizeof(*resp.results));
		resp.results_n = q.feature_updates_n;
		for (int32_t i = 0; i < q.feature_updates_n; i++) {
			update_features_response_result_init(&resp.results[i]);
			resp.results[i].feature = q.feature_updates[i].feature;
			resp.results[i].error_message = SLICE_NULL;
		}
	}
	update_features_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
