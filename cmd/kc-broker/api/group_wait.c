#include "api/group_wait.h"

#include "net/request.h"

struct waiter {
	struct request *rq;
	void (*encode)(struct request *rq, const struct group_reply *r);
};

void *
group_wait_token(struct request *rq,
	void (*encode)(struct request *rq, const struct group_reply *r))
{
	struct waiter *w = arena_alloc(&rq->arena, sizeof(*w));

	w->rq = rq;
	w->encode = encode;
	return w;
}

static void
on_commit(struct request *rq, int16_t error)
{
	/* The client comes again, and the append will say what is wrong. */
	if (error)
		request_abort(rq);
	else
		request_finish(rq);
}

void
group_wait_finish(struct request *rq, uint64_t commit)
{
	if (commit)
		request_wait_commit(rq, commit, on_commit);
	else
		request_finish(rq);
}

void
group_wait_answer(void *token, const struct group_reply *r, uint64_t commit)
{
	struct waiter *w = token;

	w->encode(w->rq, r);
	group_wait_finish(w->rq, commit);
}
