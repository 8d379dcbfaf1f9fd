#include "api/log_dir.h"

#include <limits.h>
#include <stdlib.h>

#include "broker.h"

struct slice
log_dir_path(struct request *rq)
{
	char path[PATH_MAX];
	const char *absolute = realpath(rq->broker->dir, path);

	return arena_copy(&rq->arena,
		slice_str(absolute ? absolute : rq->broker->dir));
}
