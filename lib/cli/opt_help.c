#include <stdio.h>

#include "base/buf.h"
#include "cli/opt_table.h"

enum { WIDTH = 80, HELP_AT = 30 };

/* Words of text from column HELP_AT on, wrapped; the cursor is at `column`. */
static void
print_wrapped(const char *text, int column)
{
	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column > HELP_AT && column + 1 + n > WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column < HELP_AT)
			column += printf("%*s", HELP_AT - column, "");
		else if (column > HELP_AT)
			column += printf(" ");
		column += printf("%.*s", n, text);
		text += n + strspn(text + n, " ");
	}
	putchar('\n');
}

static void
print_row(const char *left, const char *help)
{
	int column = printf("  %s", left);

	if (column > HELP_AT - 2) {
		putchar('\n');
		column = 0;
	}
	print_wrapped(help, column);
}

static void
print_option(const struct opt *o)
{
	struct buf left = BUF_INIT;

	if (o->letter)
		buf_addf(&left, "-%c, ", o->letter);
	else
		buf_addstr(&left, "    ");
	buf_addf(&left, "--%s", o->name);
	if (opt_takes_value(o))
		buf_addf(&left, " %s", o->arg ? o->arg : "VALUE");
	print_row(buf_cstr(&left), o->help);
	buf_release(&left);
}

static void
print_table(const char *title, const struct opt *rows)
{
	bool any = false;

	for (; rows && rows->name; rows++) {
		if (rows->hidden)
			continue;
		if (!any)
			printf("\n%s:\n", title);
		any = true;
		print_option(rows);
	}
}

static void
print_commands(const struct opt_program *p)
{
	printf("\nCommands:\n");
	for (const struct opt_command *c = p->commands; c->name; c++) {
		struct buf left = BUF_INIT;

		buf_addf(&left, "%s %s", c->name, c->args ? c->args : "");
		print_row(buf_cstr(&left), c->help);
		buf_release(&left);
	}
}

static void
print_command_options(const struct opt_program *p, const struct opt_command *only)
{
	for (const struct opt_command *c = p->commands; c && c->name; c++) {
		char title[64];

		if (only && c != only)
			continue;
		snprintf(title, sizeof(title), "Options of '%s'", c->name);
		print_table(title, c->options);
	}
}

static void
print_usage(const struct opt_program *p, const struct opt_command *command)
{
	if (command) {
		printf("Usage: %s %s [OPTION]... %s\n%s\n", p->name, command->name,
			command->args ? command->args : "", command->help);
		return;
	}
	for (int i = 0; p->usage && p->usage[i]; i++)
		printf("%s %s %s\n", i ? "      " : "Usage:", p->name, p->usage[i]);
	printf("%s\n", p->summary);
}

void
opt_print_help(const struct opt_program *p, const struct opt_command *command)
{
	print_usage(p, command);
	if (p->commands && !command)
		print_commands(p);
	print_command_options(p, command);
	print_table("Options", p->options);
	print_table("Common options", p->common);
	for (const struct opt *o = opt_builtin; o->name; o++)
		if (!o->hidden)
			print_option(o);
	if (p->examples && p->examples[0])
		printf("\nExamples:\n");
	for (int i = 0; p->examples && p->examples[i]; i++)
		printf("  %s\n", p->examples[i]);
	printf("\nFor more details see %s(%d).\n", p->name, p->section ? p->section : 1);
}

static void
dump_choices(const struct opt *o)
{
	for (int i = 0; o->choices && o->choices[i]; i++)
		printf("%s%s", i ? "," : "", o->choices[i]);
	if (!o->choices)
		printf("-");
}

void
opt_print_dump(const struct opt_program *p)
{
	struct opt_walk w = { .program = p };
	struct opt_row r;

	for (const struct opt_command *c = p->commands; c && c->name; c++)
		printf("command\t%s\t%s\t%s\n", c->name,
			c->args && *c->args ? c->args : "-", c->help);
	while (opt_walk_next(&w, &r)) {
		const struct opt *o = r.opt;
		char letter[3] = { '-', o->letter, '\0' };

		printf("option\t%s\t%s\t--%s\t%s\t", r.command ? r.command->name : "-",
			letter, o->name,
			!opt_takes_value(o) ? "-" : o->arg ? o->arg : "VALUE");
		dump_choices(o);
		printf("\t%s\n", o->hidden || !o->help ? "-" : o->help);
	}
}
