#include "model/reject.h"

#include "model/envelope.h"

static void
put_error(struct buf *out, const char *input, int64_t line, const char *message)
{
	buf_addstr(out, "{\"message\":");
	envelope_put_bytes(out, slice_str(message));
	buf_addstr(out, ",\"input\":");
	envelope_put_bytes(out, slice_str(input));
	buf_addstr(out, ",\"line\":");
	buf_addint(out, line);
	buf_addc(out, '}');
}

void
reject_record(struct buf *out, const struct record *r, const char *input,
	int64_t line, const char *message)
{
	struct record rejected = *r;
	struct buf text = BUF_INIT;

	put_error(&text, input, line, message);
	rejected.error = buf_slice(&text);
	envelope_write(out, &rejected, 0);
	buf_release(&text);
}

void
reject_line(struct buf *out, struct slice text, const char *input, int64_t line,
	const char *message)
{
	buf_addstr(out, "{\"error\":");
	put_error(out, input, line, message);
	buf_addstr(out, ",\"kc\":{\"line\":");
	envelope_put_bytes(out, text);
	buf_addstr(out, "}}\n");
}

void
reject_report(struct buf *out, const char *input, int64_t line,
	const char *topic, int32_t partition, int64_t offset)
{
	buf_addstr(out, "{\"input\":");
	envelope_put_bytes(out, slice_str(input));
	buf_addstr(out, ",\"line\":");
	buf_addint(out, line);
	buf_addstr(out, ",\"topic\":");
	envelope_put_string(out, slice_str(topic));
	buf_addstr(out, ",\"partition\":");
	buf_addint(out, partition);
	buf_addstr(out, ",\"offset\":");
	if (offset < 0)
		buf_addstr(out, "null");
	else
		buf_addint(out, offset);
	buf_addstr(out, "}\n");
}
