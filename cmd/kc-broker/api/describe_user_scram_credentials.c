/*
 * DescribeUserScramCredentials (KIP-554): nobody authenticates here, and so
 * no user has any. One result for each user that is asked for.
 */
#include "api/api.h"
#include "base/map.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* The sentences name nobody, so that a reply is not many times its request. */
static void
describe_each(const struct describe_user_scram_credentials_request *q,
	struct describe_user_scram_credentials_response *resp)
{
	struct map seen = { 0 };

	for (int32_t i = 0; i < q->users_n; i++) {
		struct describe_user_scram_credentials_response_result *out =
			map_get(&seen, q->users[i].name);

		if (out) {
			out->error_code = KERR_DUPLICATE_RESOURCE;
			out->error_message = slice_str("Cannot describe SCRAM "
				"credentials for the same user twice in a single request");
			continue;
		}
		out = &resp->results[resp->results_n++];
		describe_user_scram_credentials_response_result_init(out);
		out->user = q->users[i].name;
		out->error_code = KERR_RESOURCE_NOT_FOUND;
		out->error_message = slice_str("Attempt to describe a user "
			"credential that does not exist");
		map_put(&seen, out->user, out);
	}
	map_release(&seen);
}

int
api_describe_user_scram_credentials(struct request *rq)
{
	struct describe_user_scram_credentials_response resp;
	struct describe_user_scram_credentials_request q;

	if (describe_user_scram_credentials_request_read(&rq->in, rq->version,
			&q) < 0)
		return -1;
	describe_user_scram_credentials_response_init(&resp);
	if (q.users_n > 0) {
		resp.results = arena_array(&rq->arena, (size_t)q.users_n,
			sizeof(*resp.results));
		describe_each(&q, &resp);
	}
	describe_user_scram_credentials_response_write(request_reply(rq),
		rq->version, &resp);
	request_finish(rq);
	return 0;
}
