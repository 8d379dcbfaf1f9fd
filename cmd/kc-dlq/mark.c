/* mark.c - the verbs of kc-dlq that put records into another state: discard, park, restore, note. */
#include "changes.h"

#include <string.h>

#include "kafka/dlq_mark.h"

static const struct mark {
	const char *verb, *done;
	enum ledger_state state;
	unsigned states; /* that it applies to when none are named */
	bool note;       /* the last argument is a note */
} marks[] = {
	{ "discard", "discarded", LEDGER_DISCARDED, 1 << LEDGER_OPEN, false },
	{ "park", "parked", LEDGER_PARKED, 1 << LEDGER_OPEN, false },
	{ "restore", "restored", LEDGER_OPEN,
		1 << LEDGER_DISCARDED | 1 << LEDGER_PARKED, false },
	{ "note", "noted", LEDGER_OPEN, 1 << LEDGER_OPEN | 1 << LEDGER_PARKED |
		1 << LEDGER_DISCARDED, true },
};

static int
do_mark(struct args *a, const struct mark *k, const char *topic,
	const char *note, struct err *e)
{
	struct dlq_mark_options o = {
		.select = &a->select, .state = k->state, .keep_state = k->note,
		.note = slice_str(note), .dry_run = a->dry_run,
	};
	struct run_memory m = { 0 };
	int result = -1;

	dlq_close(&a->dlq);
	if (!a->select.states)
		a->select.states = k->states;
	if (open_dlq(a, topic, true, e) || start_run(a, &m, k->verb, e))
		goto out;
	o.by = m.run.by;
	result = dlq_mark(&a->dlq, &o, &m.run, e);
	if (!result)
		tell_run(a, &m.run, k->done);
out:
	end_run(&m);
	return result;
}

int
mark_selected(struct args *a, const char *topic, const char *verb, struct err *e)
{
	const struct mark *k = marks;

	while (strcmp(k->verb, verb))
		k++;
	return do_mark(a, k, topic, a->note, e);
}

static int
run_mark(struct args *a, const struct mark *k, int argc, char **argv,
	struct err *e)
{
	const char *note = a->note;

	if (want_dlq(argc, e))
		return -1;
	if (k->note) {
		if (argc < 2)
			return err_set(e, ERR_USAGE, "no text (kc-dlq note %s "
				"0:5 'why it waits')", argv[0]);
		note = argv[--argc];
	}
	if (read_selection(a, argc - 1, argv + 1, e) ||
	    (a->run_name && check_run_name(a->run_name, e)) ||
	    confirm(a, k->verb, argv[0], e))
		return -1;
	return do_mark(a, k, argv[0], note, e);
}

#define RUN_MARK(name, row)                                             \
	int run_##name(void *a, int argc, char **argv, struct err *e)   \
	{                                                               \
		return run_mark(a, &marks[row], argc, argv, e);         \
	}
RUN_MARK(discard, 0)
RUN_MARK(park, 1)
RUN_MARK(restore, 2)
RUN_MARK(note, 3)

/* ---- the options ---------------------------------------------------------------- */

const struct opt mark_options[] = {
	{ 0, "note", OPT_STRING, AT(note), "TEXT", .help = "say why" },
	MUTATING,
	OPT_END
};

const struct opt note_options[] = { MUTATING, OPT_END };
