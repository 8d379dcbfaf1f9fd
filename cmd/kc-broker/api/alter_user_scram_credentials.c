/*
 * AlterUserScramCredentials (KIP-554): refused, user by user. A password that
 * nobody is ever asked for would only seem to protect something; Kafka keeps it.
 */
#include "api/api.h"
#include "base/map.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* The user's result, made when it is the first time. */
static struct alter_user_scram_credentials_response_result *
result_of(struct alter_user_scram_credentials_response *resp, struct map *seen,
	struct slice user)
{
	struct alter_user_scram_credentials_response_result *out =
		map_get(seen, user);

	if (out)
		return out;
	out = &resp->results[resp->results_n++];
	alter_user_scram_credentials_response_result_init(out);
	out->user = user;
	out->error_code = KERR_RESOURCE_NOT_FOUND;
	out->error_message = slice_str("Attempt to delete a user credential "
		"that does not exist");
	map_put(seen, user, out);
	return out;
}

int
api_alter_user_scram_credentials(struct request *rq)
{
	struct alter_user_scram_credentials_response resp;
	struct alter_user_scram_credentials_request q;
	struct map seen = { 0 };

	if (alter_user_scram_credentials_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	alter_user_scram_credentials_response_init(&resp);
	resp.results = arena_array(&rq->arena,
		(size_t)q.deletions_n + (size_t)q.upsertions_n,
		sizeof(*resp.results));
	for (int32_t i = 0; i < q.deletions_n; i++)
		result_of(&resp, &seen, q.deletions[i].name);
	for (int32_t i = 0; i < q.upsertions_n; i++) {
		struct alter_user_scram_credentials_response_result *out =
			result_of(&resp, &seen, q.upsertions[i].name);

		out->error_code = KERR_UNSUPPORTED_SASL_MECHANISM;
		out->error_message = slice_str("There is no SASL here: "
			"kc-broker does not ask for passwords");
	}
	map_release(&seen);
	alter_user_scram_credentials_response_write(request_reply(rq),
		rq->version, &resp);
	request_finish(rq);
	return 0;
}
