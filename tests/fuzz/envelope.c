/* Any line: what is read, written and read again is the same record. */
#include "model/envelope.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(int (*read)(struct envelope_reader *, struct slice, struct record *,
	struct err *), struct slice text, unsigned flags)
{
	struct envelope_reader rd = { .flags = flags }, rd2 = { 0 };
	struct buf line = BUF_INIT, again = BUF_INIT;
	struct record r, back;
	struct err e = ERR_INIT;

	if (!read(&rd, text, &r, &e)) {
		/* Verbatim members may hold line ends only if the input did. */
		envelope_write(&line, &r, ENVELOPE_JSON_VALUES);
		if (envelope_read(&rd2, slice_make(line.data, line.len - 1),
		    &back, &e))
			abort();
		envelope_write(&again, &back, ENVELOPE_JSON_VALUES);
		if (!slice_eq(buf_slice(&line), buf_slice(&again)))
			abort();
		if (!slice_eq(r.value, back.value) || !slice_eq(r.key, back.key))
			abort();
		buf_clear(&line);
		envelope_write_kcat(&line, &r, &e);
	}
	buf_release(&line);
	buf_release(&again);
	envelope_reader_release(&rd);
	envelope_reader_release(&rd2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice text = slice_make(data ? (const void *)data : "", len);

	check(envelope_read, text, 0);
	check(envelope_read, text, ENVELOPE_IGNORE_UNKNOWN);
	check(envelope_read_kcat, text, 0);
	envelope_is_json(text);
	return 0;
}
