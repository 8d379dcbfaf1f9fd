/*
 * AlterConfigs: replaces all that is set on a resource by what is given.
 * Deprecated in favour of IncrementalAlterConfigs (KIP-339), and still what
 * old clients have.
 */
#include "api/api.h"
#include "api/config_alter.h"
#include "net/request.h"
#include "wire/messages.h"

static void
write(struct request *rq, const struct config_alter *all)
{
	struct alter_configs_response resp;

	alter_configs_response_init(&resp);
	resp.responses = arena_array(&rq->arena, (size_t)all->n,
		sizeof(*resp.responses));
	resp.responses_n = all->n;
	for (int i = 0; i < all->n; i++)
		resp.responses[i] = (struct alter_configs_response_resource){
			.error_code = all->items[i].error,
			.error_message = all->items[i].message,
			.resource_type = all->items[i].type,
			.resource_name = all->items[i].name,
		};
	alter_configs_response_write(request_reply(rq), rq->version, &resp);
}

int
api_alter_configs(struct request *rq)
{
	struct alter_configs_request q;
	struct config_alter *all;

	if (alter_configs_request_read(&rq->in, rq->version, &q) < 0)
		return -1;
	all = config_alter_new(rq, q.resources_n);
	all->replace = true;
	all->validate_only = q.validate_only;
	all->write = write;
	for (int32_t i = 0; i < q.resources_n; i++) {
		const struct alter_configs_request_resource *r = &q.resources[i];

		config_alter_resource(rq, &all->items[i], r->resource_type,
			r->resource_name, r->configs_n);
		for (int32_t k = 0; k < r->configs_n; k++)
			all->items[i].ops[k] = (struct config_op){
				r->configs[k].name, r->configs[k].value,
				CONFIG_OP_SET };
	}
	config_alter_run(rq, all);
	return 0;
}
