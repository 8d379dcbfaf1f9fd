/* plan.c - kc-dlq redrive --plan and --from: what would be done as a file, and that done. */
#include "changes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/in.h"
#include "kafka/redrive.h"

/* ---- writing ---- */

static struct redrive_plan_head
make_head(const struct args *a, const struct ledger_run *run, struct slice cluster,
	struct arena *memory)
{
	struct redrive_plan_head h = {
		.dlq = slice_str(a->dlq.o.topic), .cluster = cluster,
		.check = slice_str(a->check), .timestamp = slice_str(a->timestamp),
		.payload = slice_str(a->payload),
		.if_newer = slice_str(a->if_newer),
		.headers_n = a->shape.n, .max_redrives = a->max_redrives,
		.run = *run,
	};

	h.headers = arena_array(memory, (size_t)a->shape.n, sizeof(*h.headers));
	for (int i = 0; i < a->shape.n; i++)
		h.headers[i] = slice_str(a->shape.items[i]);
	return h;
}

static int
no_cluster(struct err *e)
{
	return err_set(e, ERR_TEMPORARY, "the brokers do not tell their cluster id");
}

int
plan_begin(struct args *a, struct plan_file *f, struct run_memory *m, struct err *e)
{
	char *cluster = client_cluster_id(a->dlq.client, a->timeout_ms);
	struct redrive_plan_head head;
	int fd, result;

	if (!cluster)
		return no_cluster(e);
	f->stdout = !strcmp(a->plan, "-");
	if (!f->stdout) {
		fd = open(a->plan, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0) {
			free(cluster);
			return err_errno(e, errno == EEXIST ? ERR_EXISTS : ERR_IO,
				"cannot make '%s'", a->plan);
		}
		out_init(&f->out, fd);
		f->open = true;
	}
	head = make_head(a, &m->run, slice_str(cluster), &m->memory);
	result = redrive_plan_begin(&f->writer, f->stdout ? &a->out : &f->out,
		&head, e);
	free(cluster);
	return result;
}

int
plan_end(struct args *a, struct plan_file *f, int result, struct err *e)
{
	if (!result)
		result = redrive_plan_end(&f->writer, e);
	if (!f->open)
		return result;
	if (!result && fsync(f->out.fd))
		result = err_errno(e, ERR_IO, "cannot write '%s'", a->plan);
	if (out_close(&f->out, result ? &(struct err)ERR_INIT : e))
		result = -1;
	/* half a plan is of no use */
	if (result)
		unlink(a->plan);
	return result;
}

/* ---- reading ---- */

static int
add_line(void *plan, struct slice line, struct err *e)
{
	return redrive_plan_add(plan, line, e);
}

static int
read_lines(struct redrive_plan *p, const char *path, struct err *e)
{
	if (in_each(path, add_line, p, e))
		return -1;
	return redrive_plan_check(p, e) ? err_wrap(e, "%s", path) : 0;
}

/* The plan has them; NUL stands behind texts of its arena. */
static int
use_options(struct args *a, struct redrive_plan *p, struct err *e)
{
	const struct redrive_plan_head *h = &p->head;

	if (a->select.n || a->to || a->via || a->check || a->timestamp ||
	    a->payload || a->if_newer || a->order || a->shape.n || a->limit >= 0)
		return err_set(e, ERR_USAGE, "what is sent, where and how stands "
			"in the plan: --from goes with options of pace only");
	a->to = h->run.to.data;
	a->via = h->run.via.data;
	a->check = h->check.data;
	a->timestamp = h->timestamp.data;
	a->payload = h->payload.data;
	a->if_newer = h->if_newer.data;
	a->max_redrives = h->max_redrives;
	a->shape.items = arena_array(&p->memory, (size_t)h->headers_n,
		sizeof(*a->shape.items));
	for (int i = 0; i < h->headers_n; i++)
		a->shape.items[a->shape.n++] = h->headers[i].data;
	for (int i = 0; i < h->run.select_n; i++)
		if (dlq_select_add(&a->select, h->run.select[i].data, a->now_ms, e))
			return err_wrap(e, "'%s'", a->from);
	return 0;
}

int
plan_read(struct args *a, const char *topic, struct redrive_plan *p, struct err *e)
{
	if (a->plan)
		return err_set(e, ERR_USAGE, "--plan and --from exclude each other");
	if (read_lines(p, a->from, e))
		return -1;
	if (!slice_eq_str(p->head.dlq, topic))
		return err_set(e, ERR_USAGE, "the plan '%s' is of '%.*s'", a->from,
			SLICE_ARG(p->head.dlq));
	return use_options(a, p, e);
}

int
plan_check_cluster(struct args *a, const struct redrive_plan *p, struct err *e)
{
	char *cluster = client_cluster_id(a->dlq.client, a->timeout_ms);
	int result = 0;

	if (!cluster)
		return no_cluster(e);
	if (!slice_eq_str(p->head.cluster, cluster))
		result = err_set(e, ERR_REFUSED, "the plan is stale: it is of the "
			"cluster '%.*s', and this is '%s'",
			SLICE_ARG(p->head.cluster), cluster);
	free(cluster);
	return result;
}
