/* DeleteAcls: refused, filter by filter; there is no authorizer (KIP-140). */
#include "api/api.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

int
api_delete_acls(struct request *rq)
{
	struct delete_acls_response resp;
	struct delete_acls_request q;

	if (delete_acls_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	delete_acls_response_init(&resp);
	resp.filter_results = arena_array(&rq->arena, (size_t)q.filters_n,
		sizeof(*resp.filter_results));
	resp.filter_results_n = q.filters_n;
	for (int32_t i = 0; i < q.filters_n; i++) {
		delete_acls_response_result_init(&resp.filter_results[i]);
		resp.filter_results[i].error_code = KERR_SECURITY_DISABLED;
		resp.filter_results[i].error_message = slice_str(
			"No Authorizer is configured.");
	}
	delete_acls_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
