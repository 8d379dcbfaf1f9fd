/* ledger_entry.c - an entry of the ledger as key and value. */
#include <inttypes.h>

#include "base/num.h"
#include "model/flat.h"
#include "model/ledger.h"

void
ledger_entry_key(struct buf *out, int32_t partition, int64_t offset)
{
	buf_addf(out, "%" PRId32 "/%" PRId64, partition, offset);
}

void
ledger_entry_write(struct buf *out, const struct ledger_entry *x)
{
	buf_addf(out, "{\"state\":\"%s\"", ledger_state_name(x->state));
	flat_put_int(out, "at", x->at);
	flat_put_text(out, "run", x->run);
	flat_put_text(out, "by", x->by);
	flat_put_text(out, "to", x->to);
	if (x->fingerprint)
		buf_addf(out, ",\"fingerprint\":\"%016" PRIx64 "\"",
			x->fingerprint);
	if (x->redrives)
		flat_put_int(out, "redrives", x->redrives);
	flat_put_text(out, "note", x->note);
	buf_addc(out, '}');
}

bool
ledger_entry_read_key(struct slice key, struct ledger_entry *x)
{
	const char *p = key.data, *slash = key.len ? memchr(p, '/', key.len) : NULL;
	struct err ignored = ERR_INIT;
	int64_t partition;

	if (!slash || num_int(slice_make(p, (size_t)(slash - p)), 0, INT32_MAX,
	    &partition, &ignored))
		return false;
	x->partition = (int32_t)partition;
	return !num_int(slice_make(slash + 1, key.len - (size_t)(slash + 1 - p)),
		0, INT64_MAX, &x->offset, &ignored);
}

/* Sixteen hexadecimal digits. */
static bool
read_fingerprint(struct slice text, uint64_t *out)
{
	const char *p = text.data;

	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (digit < 0)
			return false;
		*out = *out << 4 | (uint64_t)digit;
	}
	return text.len == 16;
}

static bool
read_member(struct slice name, struct slice value, struct arena *a,
	struct ledger_entry *x, struct err *e)
{
	struct slice text;

	if (slice_eq_str(name, "at"))
		return flat_int(value, &x->at);
	if (slice_eq_str(name, "redrives"))
		return flat_int(value, &x->redrives);
	if (slice_eq_str(name, "run"))
		return flat_text(value, a, &x->run);
	if (slice_eq_str(name, "by"))
		return flat_text(value, a, &x->by);
	if (slice_eq_str(name, "to"))
		return flat_text(value, a, &x->to);
	if (slice_eq_str(name, "note"))
		return flat_text(value, a, &x->note);
	if (slice_eq_str(name, "state"))
		return flat_text(value, a, &text) &&
			!ledger_state_parse(text, &x->state, e);
	if (slice_eq_str(name, "fingerprint"))
		return flat_text(value, a, &text) &&
			read_fingerprint(text, &x->fingerprint);
	return true;
}

int
ledger_entry_read(struct slice key, struct slice value, struct arena *a,
	struct ledger_entry *out, struct err *e)
{
	struct flat f = flat_init(value);
	struct slice name, text;

	*out = (struct ledger_entry){ 0 };
	if (!ledger_entry_read_key(key, out))
		return err_set(e, ERR_FORMAT, "'%.*s' is no key of a ledger",
			SLICE_ARG(key));
	while (flat_next(&f, &name, &text))
		if (!read_member(name, text, a, out, e))
			return err_set(e, ERR_FORMAT, "entry '%.*s': bad member "
				"'%.*s'", SLICE_ARG(key), SLICE_ARG(name));
	return f.ok ? 0 : err_set(e, ERR_FORMAT, "entry '%.*s' is no JSON object",
		SLICE_ARG(key));
}
