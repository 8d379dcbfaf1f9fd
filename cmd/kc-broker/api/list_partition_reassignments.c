/* ListPartitionReassignments: none is ever running on one node (KIP-455). */
#include "api/api.h"
#include "net/request.h"
#include "wire/messages.h"

int
api_list_partition_reassignments(struct request *rq)
{
	struct list_partition_reassignments_request q;
	struct list_partition_reassignments_response resp;

	if (list_partition_reassignments_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	list_partition_reassignments_response_init(&resp);
	resp.error_message = SLICE_NULL;
	list_partition_reassignments_response_write(request_reply(rq),
		rq->version, &resp);
	request_finish(rq);
	return 0;
}
