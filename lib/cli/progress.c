#include "cli/progress.h"

#include <inttypes.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/term.h"

enum { EVERY_MS = 200 };

void
progress_init(struct progress *p, const char *unit, int64_t total,
	const struct clock *clock)
{
	int64_t now = clock_mono_ms(clock);

	*p = (struct progress){
		.unit = unit, .total = total, .clock = clock,
		.shown = term_is_tty(STDERR_FILENO) && diag_level() >= 0,
		.start_ms = now, .last_ms = now,
	};
}

void
progress_text(const struct progress *p, int64_t done, int64_t now_ms, struct buf *out)
{
	int64_t ms = now_ms - p->start_ms;
	double rate = ms > 0 ? (double)done * 1000 / (double)ms : 0;

	buf_addint(out, done);
	if (p->total >= 0)
		buf_addf(out, " of %" PRId64, p->total);
	buf_addf(out, " %s", p->unit);
	if (p->total > 0)
		buf_addf(out, ", %d%%", (int)((double)done * 100 / (double)p->total));
	if (rate > 0)
		buf_addf(out, ", %.0f/s", rate);
	if (rate > 0 && p->total > done)
		buf_addf(out, ", %.0fs left", (double)(p->total - done) / rate);
}

void
progress_update(struct progress *p, int64_t done)
{
	struct buf text = BUF_INIT;
	int64_t now;

	if (!p->shown)
		return;
	now = clock_mono_ms(p->clock);
	if (now - p->last_ms < EVERY_MS)
		return;
	p->last_ms = now;
	progress_text(p, done, now, &text);
	diag_status_line(buf_cstr(&text));
	buf_release(&text);
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		diag_status_line(NULL);
}
