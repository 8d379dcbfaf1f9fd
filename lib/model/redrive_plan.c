#include "model/redrive_plan.h"

#include <inttypes.h>

#include "model/envelope.h"
#include "model/fingerprint.h"
#include "model/flat.h"
#include "model/src.h"

/* ---- writing ---- */

void
redrive_plan_put_head(struct buf *out, const struct redrive_plan_head *h)
{
	buf_addstr(out, "{\"plan\":\"redrive\"");
	flat_put_text(out, "dlq", h->dlq);
	flat_put_text(out, "cluster", h->cluster);
	flat_put_int(out, "max_redrives", h->max_redrives);
	flat_put_text(out, "check", h->check);
	flat_put_text(out, "timestamp", h->timestamp);
	flat_put_text(out, "payload", h->payload);
	flat_put_text(out, "if_newer", h->if_newer);
	buf_addstr(out, ",\"headers\":");
	flat_put_texts(out, h->headers, h->headers_n);
	buf_addstr(out, ",\"run\":");
	ledger_run_write(out, &h->run);
	buf_addstr(out, "}\n");
}

static void
put_hex(struct buf *out, const char *name, uint64_t value)
{
	buf_addf(out, ",\"%s\":\"%016" PRIx64 "\"", name, value);
}

void
redrive_plan_put(struct buf *out, struct slice dlq, const struct redrive_planned *x)
{
	const struct src src = { dlq, x->partition, x->offset };

	buf_addstr(out, "{\"src\":\"");
	src_put(out, &src);
	buf_addf(out, "\",\"do\":\"%s\"", x->park ? "park" : "send");
	flat_put_text(out, "to", x->to);
	flat_put_int(out, "redrives", x->redrives);
	put_hex(out, "letter", x->letter);
	if (!x->park)
		put_hex(out, "copy", x->copy);
	buf_addstr(out, "}\n");
}

void
redrive_plan_put_end(struct buf *out, int64_t n, uint64_t digest)
{
	buf_addf(out, "{\"records\":%" PRId64, n);
	put_hex(out, "digest", digest);
	buf_addstr(out, "}\n");
}

uint64_t
redrive_plan_digest(uint64_t digest, struct slice line)
{
	return fingerprint_hash(fingerprint_hash(digest ? digest :
		FINGERPRINT_SEED, line), slice_str("\n"));
}

/* ---- reading ---- */

static bool
read_head_member(struct slice name, struct slice value, struct arena *a,
	struct redrive_plan_head *h, bool *is_plan, struct err *e)
{
	const struct {
		const char *name;
		struct slice *text;
	} texts[] = {
		{ "dlq", &h->dlq }, { "cluster", &h->cluster },
		{ "check", &h->check }, { "timestamp", &h->timestamp },
		{ "payload", &h->payload }, { "if_newer", &h->if_newer },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (slice_eq_str(name, texts[i].name))
			return flat_text(value, a, texts[i].text);
	if (slice_eq_str(name, "plan"))
		return *is_plan = slice_eq_str(value, "\"redrive\"");
	if (slice_eq_str(name, "max_redrives"))
		return flat_int(value, &h->max_redrives);
	if (slice_eq_str(name, "headers"))
		return flat_texts(value, a, &h->headers, &h->headers_n);
	if (slice_eq_str(name, "run"))
		return !ledger_run_read(slice_str("planned"), value, a, &h->run, e);
	return true;
}

int
redrive_plan_read_head(struct slice line, struct arena *a,
	struct redrive_plan_head *out, struct err *e)
{
	struct flat f = flat_init(line);
	struct slice name, value;
	bool is_plan = false;

	*out = (struct redrive_plan_head){ 0 };
	while (flat_next(&f, &name, &value))
		f.ok = read_head_member(name, value, a, out, &is_plan, e);
	if (!f.ok || !is_plan || slice_is_null(out->dlq) ||
	    slice_is_null(out->cluster))
		return err_set(e, ERR_FORMAT, "it is no plan of a redrive "
			"(kc-dlq redrive --plan FILE writes one)");
	return 0;
}

static bool
read_hex(struct slice value, uint64_t *out)
{
	const char *p = value.data;

	*out = 0;
	if (value.len != 18 || p[0] != '"' || p[17] != '"')
		return false;
	for (int i = 1; i < 17; i++) {
		int digit = p[i] >= '0' && p[i] <= '9' ? p[i] - '0' :
			p[i] >= 'a' && p[i] <= 'f' ? p[i] - 'a' + 10 : -1;

		if (digit < 0)
			return false;
		*out = *out << 4 | (uint64_t)digit;
	}
	return true;
}

static bool
read_src(struct slice value, struct slice dlq, struct arena *a,
	struct redrive_planned *x)
{
	struct err ignored = ERR_INIT;
	struct slice text;
	struct src src;

	if (!flat_text(value, a, &text) || slice_is_null(text) ||
	    src_parse(text, &src, &ignored) || !slice_eq(src.topic, dlq))
		return false;
	x->partition = src.partition;
	x->offset = src.offset;
	return true;
}

int
redrive_plan_read(struct slice line, struct slice dlq, struct arena *a,
	struct redrive_planned *out, struct err *e)
{
	struct flat f = flat_init(line);
	struct slice name, value;
	int64_t n;

	*out = (struct redrive_planned){ .offset = -1 };
	while (flat_next(&f, &name, &value)) {
		if (slice_eq_str(name, "src")) {
			f.ok = read_src(value, dlq, a, out);
		} else if (slice_eq_str(name, "do")) {
			out->park = slice_eq_str(value, "\"park\"");
			f.ok = out->park || slice_eq_str(value, "\"send\"");
		} else if (slice_eq_str(name, "to")) {
			f.ok = flat_text(value, a, &out->to);
		} else if (slice_eq_str(name, "redrives")) {
			f.ok = flat_int(value, &n) && n >= 0 && n <= INT32_MAX;
			out->redrives = f.ok ? (int32_t)n : 0;
		} else if (slice_eq_str(name, "letter")) {
			f.ok = read_hex(value, &out->letter);
		} else if (slice_eq_str(name, "copy")) {
			f.ok = read_hex(value, &out->copy);
		}
	}
	if (!f.ok || out->offset < 0 || (!out->park && slice_is_null(out->to)))
		return err_set(e, ERR_FORMAT, "it is no line of a plan for '%.*s'",
			SLICE_ARG(dlq));
	return 0;
}

bool
redrive_plan_read_end(struct slice line, int64_t *n, uint64_t *digest)
{
	struct flat f = flat_init(line);
	struct slice name, value;
	bool records = false, digested = false;

	while (flat_next(&f, &name, &value)) {
		if (slice_eq_str(name, "records"))
			records = flat_int(value, n);
		else if (slice_eq_str(name, "digest"))
			digested = read_hex(value, digest);
	}
	return f.ok && records && digested;
}
