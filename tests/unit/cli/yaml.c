/* YAML as a tree that knows its lines. */
#include "cli/yaml.h"

#include <string.h>

#include "tap.h"

static struct arena memory;
static struct err e;
static const struct yaml *root;

static int
read_text(const char *text)
{
	e = (struct err)ERR_INIT;
	arena_reset(&memory);
	return yaml_read(&memory, "f", slice_str(text), &root, &e);
}

static void
a_tree_knows_names_and_lines(void)
{
	const struct yaml *y;

	CHECK_INT(read_text("# what\n- a: 1\n  b:\n    ['x', y]\n- ''\n-\n"), 0);
	CHECK_INT(root->kind, YAML_LIST);
	CHECK_INT(root->n, 3);
	y = root->first;
	CHECK_INT(y->kind, YAML_MAP);
	CHECK_INT(y->line, 2);
	CHECK_STR(y->first->name, "a");
	CHECK_STR(y->first->text, "1");
	y = y->first->next;
	CHECK_STR(y->name, "b");
	CHECK_INT(y->name_line, 3);
	CHECK_INT(y->line, 4);
	CHECK_INT(y->n, 2);
	CHECK(!y->first->plain && y->first->next->plain);
	CHECK_STR(y->first->next->text, "y");
	CHECK(!y->next);
	CHECK(!yaml_is_nothing(root->first->next));
	CHECK(yaml_is_nothing(root->first->next->next));
}

static void
nothing_is_no_tree(void)
{
	CHECK_INT(read_text(""), 0);
	CHECK(!root);
	CHECK_INT(read_text("# only words\n"), 0);
	CHECK(!root);
}

static void
an_alias_is_a_copy(void)
{
	CHECK_INT(read_text("a: &x [1, 2]\nb: *x\n"), 0);
	CHECK_STR(root->first->next->name, "b");
	CHECK_INT(root->first->next->n, 2);
	CHECK_STR(root->first->next->first->text, "1");
}

static void
mistakes_have_their_line(void)
{
	static const struct { const char *text, *why; } bad[] = {
		{ "a: 1\na: 2\n", "'f' line 2: 'a' is there twice" },
		{ "a: 1\n\"\": 2\n", "'f' line 2: no name before the value" },
		{ "a: 1\n[b]: 2\n", "'f' line 2: a name wants to be a text" },
		{ "a:\n  - \"x\\0y\"\n", "'f' line 2: a text holds a NUL byte" },
		{ "a: 1\nb: [\n", "'f' line 3: " },
		{ "&x [*x]\n", "'f' line 1: too much, or nested too deep" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_INT(read_text(bad[i].text), -1);
		CHECK_INT(e.code, ERR_USAGE);
		if (!CHECK(!strncmp(e.msg, bad[i].why, strlen(bad[i].why))))
			printf("# %s\n", e.msg);
	}
}

/* Nine lines whose copies would fill any memory. */
static void
much_that_holds_much_is_refused(void)
{
	CHECK_INT(read_text("a: &a [x,x,x,x,x,x,x,x,x]\n"
		"b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
		"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
		"f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"), -1);
	CHECK(strstr(e.msg, "too much") != NULL);
}

int
main(void)
{
	RUN(a_tree_knows_names_and_lines);
	RUN(nothing_is_no_tree);
	RUN(an_alias_is_a_copy);
	RUN(mistakes_have_their_line);
	RUN(much_that_holds_much_is_refused);
	arena_release(&memory);
	return tap_done();
}
