/* prom.c - what kc-lag measures as Prometheus text: in a file, and served. */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/file.h"
#include "kafka/lag_serve.h"
#include "verbs.h"
#include "model/lag_prom.h"

static int
prom_options(const struct args *a, struct lag_prom_options *o, struct err *e)
{
	*o = (struct lag_prom_options){ .cluster = a->cluster_name,
		.without_members = a->no_members,
		.without_partitions = a->no_partitions };
	return lag_prom_styles(slice_str(a->prom_style ? a->prom_style : "kc,kle"),
		&o->styles, e) ? err_wrap(e, "--prom-style") : 0;
}

/* To a file that is whole at any moment, or stdout. */
int
write_prom(struct args *a, struct err *e)
{
	int64_t start = clock_mono_ms(clock_system());
	struct lag_snapshot s = { 0 };
	struct lag_prom_options o;
	struct buf text = BUF_INIT;
	int ret = -1;

	if (prom_options(a, &o, e) || measure(a, &s, e))
		goto out;
	o.took_ms = clock_mono_ms(clock_system()) - start;
	lag_prom_write(&text, &s, &o);
	if (!strcmp(a->prom, "-"))
		buf_addslice(&a->out.buf, buf_slice(&text));
	else if (file_replace(a->prom, buf_slice(&text), e))
		goto out;
	ret = lag_check_complete(&s, a->measuring.names_n > 0, e);
out:
	buf_release(&text);
	lag_snapshot_release(&s);
	return ret;
}

int
serve_prom(struct args *a, struct err *e)
{
	struct lag_serve_options o = { .measure = measure, .arg = a,
		.where = a->serve, .fresh_ms = a->fresh_ms };

	return prom_options(a, &o.prom, e) ? -1 : lag_serve(&o, e);
}
