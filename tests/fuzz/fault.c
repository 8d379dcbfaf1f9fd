/* Any line as a fault rule: refused with a word about it, or a rule that makes sense. */
#include "net/fault_rule.h"

#include <stdlib.h>

#include "base/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *line = xmemdup0(data, len);
	struct err e = ERR_INIT;
	struct fault_rule *r = fault_rule_parse(line, &e);

	if (!r && !e.msg[0])
		abort();
	if (r && (r->chance < 0 || r->chance > 1 || r->action.delay_ms < 0 ||
	    r->action.throttle_ms < 0 || r->version_min > r->version_max))
		abort();
	if (r)
		fault_rule_free(r);
	free(line);
	return 0;
}
