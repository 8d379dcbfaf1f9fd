/* CreateAcls: refused, one by one; there is no authorizer (KIP-140). */
#include "api/api.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

int
api_create_acls(struct request *rq)
{
	struct create_acls_response resp;
	struct create_acls_request q;

	if (create_acls_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	create_acls_response_init(&resp);
	resp.results = arena_array(&rq->arena, (size_t)q.creations_n,
		sizeof(*resp.results));
	resp.results_n = q.creations_n;
	for (int32_t i = 0; i < q.creations_n; i++) {
		create_acls_response_result_init(&resp.results[i]);
		resp.results[i].error_code = KERR_SECURITY_DISABLED;
		resp.results[i].error_message = slice_str(
			"No Authorizer is configured.");
	}
	create_acls_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
