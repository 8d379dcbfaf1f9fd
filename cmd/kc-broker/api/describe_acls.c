/* DescribeAcls: there is no authorizer, and so there are none (KIP-140). */
#include "api/api.h"
#include "net/request.h"
#include "wire/errors.h"
#include "wire/messages.h"

int
api_describe_acls(struct request *rq)
{
	struct describe_acls_response resp;
	struct describe_acls_request q;

	if (describe_acls_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	describe_acls_response_init(&resp);
	resp.error_code = KERR_SECURITY_DISABLED;
	resp.error_message = slice_str("No Authorizer is configured.");
	describe_acls_response_write(request_reply(rq), rq->version, &resp);
	request_finish(rq);
	return 0;
}
