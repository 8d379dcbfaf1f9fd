/*
 * rejects.c - what became of the lines: --rejects keeps what failed, --report
 * tells where the others are, and the first errors are told on stderr.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "model/reject.h"

#include "run.h"

/* Never cuts a file that is still to be read: kc-produce < f --rejects f. */
int
rejects_open(const struct run *run, const char *path, struct out *o, struct err *e)
{
	struct stat mine, other;
	int fd = STDOUT_FILENO;

	if (strcmp(path, "-")) {
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0 || fstat(fd, &mine))
			return err_errno(e, ERR_IO, "cannot open '%s'", path);
		for (int i = 0; i < run->inputs_n; i++)
			if (S_ISREG(mine.st_mode) &&
			    !fstat(run->inputs[i].fd, &other) &&
			    mine.st_dev == other.st_dev &&
			    mine.st_ino == other.st_ino) {
				close(fd);
				return err_set(e, ERR_USAGE, "'%s' is input and "
					"output at once (use another name)", path);
			}
		if (S_ISREG(mine.st_mode) && ftruncate(fd, 0))
			return err_errno(e, ERR_IO, "cannot empty '%s'", path);
	}
	out_init(o, fd);
	return 0;
}

static void
write_out(struct run *run, struct out *o, const char *path)
{
	struct err why = ERR_INIT;

	if (out_maybe_flush(o, &why) && !run->stop.code) {
		err_wrap(&why, "'%s'", path);
		run->stop = why;
	}
}

static struct in *
input_of(struct run *run, producer_tag tag, int64_t *line)
{
	*line = (int64_t)(tag & ((UINT64_C(1) << TAG_LINE_BITS) - 1));
	return &run->inputs[tag >> TAG_LINE_BITS];
}

/* The first ones in full, then only their number, at the end. */
static void
count_error(struct run *run, const struct in *in, int64_t line,
	const struct err *why)
{
	run->same_code = !run->errors || (run->same_code && run->worst == why->code);
	run->worst = why->code;
	if (++run->errors <= ERRORS_SHOWN)
		diag_error("%s, line %" PRId64 ": %s", in->name, line, why->msg);
	if (run->a->max_errors > 0 && run->errors >= run->a->max_errors &&
	    !run->stop.code)
		err_set(&run->stop, ERR_PARTIAL, "stopped after %" PRId64
			" errors (--max-errors)", run->errors);
}

void
rejects_on_failure(void *arg, const struct record *r, producer_tag tag,
	const struct err *why)
{
	struct run *run = arg;
	int64_t line;
	struct in *in = input_of(run, tag, &line);

	if (run->acks)
		sink_acks_refuse(run->acks, line);
	/* What is not kept must come again: nothing behind it is committed. */
	if (run->acks || (run->sink && !run->a->rejects)) {
		if (!run->stop.code) {
			run->stop = *why;
			err_wrap(&run->stop, "%s, line %" PRId64, in->name, line);
		}
		return;
	}
	count_error(run, in, line, why);
	if (!run->a->rejects)
		return;
	reject_record(&run->rejects.buf, r, in->name, line, why->msg);
	write_out(run, &run->rejects, run->a->rejects);
}

/* A line that is no record: the run ends here unless errors are expected. */
void
rejects_bad_line(struct run *run, const struct in *in, struct slice line,
	const struct err *why)
{
	if (!run->a->rejects && run->a->max_errors < 0 && !run->a->dry_run) {
		run->stop = *why;
		err_wrap(&run->stop, "%s, line %" PRId64, in->name, in->line);
		return;
	}
	count_error(run, in, in->line, why);
	if (!run->a->rejects)
		return;
	reject_line(&run->rejects.buf, line, in->name, in->line, why->msg);
	write_out(run, &run->rejects, run->a->rejects);
}

void
rejects_on_ack(void *arg, const char *topic, int32_t partition, int64_t offset,
	producer_tag tag)
{
	struct run *run = arg;
	int64_t line;
	struct in *in = input_of(run, tag, &line);

	if (run->acks)
		sink_acks_done(run->acks, line);
	if (!run->a->report)
		return;
	reject_report(&run->report.buf, in->name, line, topic, partition, offset);
	write_out(run, &run->report, run->a->report);
}
