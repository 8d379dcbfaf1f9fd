#include "cli/opt_table.h"

const struct opt opt_builtin[] = {
	{ 'h', "help", OPT_FLAG, .help = "print this help" },
	{ 'V', "version", OPT_FLAG, .help = "print the version" },
	{ 0, "dump-options", OPT_FLAG, .help = "print the options as a table",
		.hidden = true },
	OPT_END
};

/* Tables in order: the program's, each command's, common, built-in. */
static bool
table_at(const struct opt_program *p, int table, const struct opt **rows,
	struct opt_row *row)
{
	int commands = 0;

	*row = (struct opt_row){ 0 };
	while (p->commands && p->commands[commands].name)
		commands++;
	if (!table) {
		*rows = p->options;
	} else if (table <= commands) {
		row->command = &p->commands[table - 1];
		*rows = row->command->options;
	} else if (table == commands + 1) {
		row->base = p->common_at;
		*rows = p->common;
	} else {
		*rows = opt_builtin;
	}
	return table <= commands + 2;
}

bool
opt_walk_next(struct opt_walk *w, struct opt_row *row)
{
	const struct opt *rows;

	while (table_at(w->program, w->table, &rows, row)) {
		if (rows && rows[w->row].name) {
			row->opt = &rows[w->row++];
			return true;
		}
		w->table++;
		w->row = 0;
	}
	return false;
}

bool
opt_takes_value(const struct opt *o)
{
	return o->type != OPT_FLAG && o->type != OPT_COUNT && o->type != OPT_IGNORED;
}
