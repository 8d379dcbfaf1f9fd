#include "model/dlq_json.h"

#include <inttypes.h>

#include "model/envelope.h"
#include "model/src.h"

/* "state":"open","group":"ID","note":B */
static void
put_standing(struct buf *out, const struct dlq_record *x,
	const struct fingerprint *f, const char *note)
{
	buf_addf(out, "\"state\":\"%s\",\"group\":\"%s\"", ledger_state_name(x->state), f->id);
	if (note) {
		buf_addstr(out, ",\"note\":");
		envelope_put_bytes(out, slice_str(note));
	}
}

static void
put_src(struct buf *out, const char *dlq, const struct record *r)
{
	const struct src src = { slice_str(dlq), r->partition, r->offset };

	src_put(out, &src);
}

void
dlq_put_line(struct buf *out, const char *dlq, const struct dlq_record *x,
	const struct fingerprint *f, const char *note)
{
	buf_addstr(out, "{\"src\":\"");
	put_src(out, dlq, x->r);
	buf_addstr(out, "\",\"timestamp\":");
	if (x->r->has_timestamp)
		buf_addint(out, x->r->timestamp);
	else
		buf_addstr(out, "null");
	buf_addc(out, ',');
	put_standing(out, x, f, note);
	buf_addstr(out, ",\"key\":");
	envelope_put_bytes(out, x->d->key);
	buf_addstr(out, ",\"dlq\":");
	deadletter_put_json(out, x->d);
	buf_addstr(out, "}\n");
}

void
dlq_put_record(struct buf *out, const char *dlq, const struct dlq_record *x,
	const struct record *r, const struct fingerprint *f, const char *note,
	const struct redact *redact, unsigned flags)
{
	struct buf src = BUF_INIT, kc = BUF_INIT;
	struct record line = *r;

	put_src(&src, dlq, x->r);
	buf_addc(&kc, '{');
	put_standing(&kc, x, f, note);
	if (redact->n) {
		buf_addstr(&kc, ",\"redacted\":");
		redact_put_json(&kc, redact);
	}
	buf_addstr(&kc, ",\"dlq\":");
	deadletter_put_json(&kc, x->d);
	buf_addc(&kc, '}');
	line.src = buf_slice(&src);
	line.kc = buf_slice(&kc);
	envelope_write(out, &line, flags);
	buf_release(&src);
	buf_release(&kc);
}
