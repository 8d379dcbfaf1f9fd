#include "cli/opt.h"

#include "base/xalloc.h"
#include "cli/conf.h"
#include "cli/opt_table.h"
#include "tap.h"

struct args {
	struct conf_args conf;
	const char *key;
	struct opt_list topics;
	int64_t count, size, age, partitions, level;
	const char *mode;
	bool end, raw, yes;
};

#define AT(m) offsetof(struct args, m)

static const char *const modes[] = { "slow", "fast", NULL };
static const struct opt options[] = {
	{ 'c', "count", OPT_INT, AT(count), "N", .help = "how many" },
	{ 0, "max-messages", OPT_INT, AT(count), .hidden = true },
	{ 'e', "exit-at-end", OPT_FLAG, AT(end), .help = "stop" },
	{ 'k', "key", OPT_STRING, AT(key), "KEY", .help = "key", .group = "key" },
	{ 0, "raw", OPT_FLAG, AT(raw), .help = "raw", .group = "key" },
	{ 't', "topic", OPT_LIST, AT(topics), "TOPIC", .help = "topic" },
	{ 'J', "kcat-json", OPT_IGNORED, 0, .hidden = true },
	{ 0, "size", OPT_SIZE, AT(size), "BYTES", .help = "size" },
	{ 0, "age", OPT_DURATION, AT(age), "TIME", .help = "age" },
	{ 0, "mode", OPT_CHOICE, AT(mode), "MODE", .help = "mode", .choices = modes },
	{ 0, "level", OPT_INT, AT(level), "N", .help = "level", .min = -3, .max = 3 },
	OPT_END
};
static const struct opt create_options[] = {
	{ 'p', "partitions", OPT_INT, AT(partitions), "N", .help = "how many" },
	OPT_END
};
static const struct opt delete_options[] = {
	{ 'y', "yes", OPT_FLAG, AT(yes), .help = "do not ask" },
	OPT_END
};
static const struct opt_command commands[] = {
	{ "create", "TOPIC...", "make topics", create_options, NULL },
	{ "delete", "TOPIC...", "remove topics", delete_options, NULL },
	{ "list", "", "list topics", NULL, NULL },
	{ 0 }
};
static const struct opt_program plain = {
	.name = "kc-x", .options = options, .common = conf_options,
	.common_at = AT(conf),
};
static const struct opt_program verbs = {
	.name = "kc-x", .options = options, .common = conf_options,
	.common_at = AT(conf), .commands = commands,
};

static const struct opt_program defaulting = {
	.name = "kc-x", .options = options, .common = conf_options,
	.common_at = AT(conf), .commands = commands, .default_command = "delete",
};
static const struct opt_program naming = {
	.name = "kc-x", .options = options, .common = conf_options,
	.common_at = AT(conf), .commands = commands, .default_command = "list",
	.takes_names = true,
};

static struct args a;
static struct err e;
static char *argv[32], line[512];
static int argc;
static const struct opt_command *command;

/* Parses the words of a line. */
static int
parse(const struct opt_program *p, const char *text)
{
	char *at = line;

	snprintf(line, sizeof(line), "kc-x %s", text);
	for (argc = 0; at; argc++)
		argv[argc] = strsep(&at, " ");
	argv[argc] = NULL;
	a = (struct args){ .conf = CONF_ARGS_INIT };
	e = (struct err)ERR_INIT;
	command = NULL;
	return opt_parse(p, &a, &argc, argv, &command, &e);
}

static void
refuses(const struct opt_program *p, const char *text, const char *message)
{
	CHECK_INT(parse(p, text), -1);
	CHECK_INT(e.code, ERR_USAGE);
	CHECK_STR(e.msg, message);
}

static void
options_and_arguments_mix(void)
{
	CHECK_INT(parse(&plain, "one -e two -c 5 three"), 0);
	CHECK_INT(argc, 3);
	CHECK_STR(argv[0], "one");
	CHECK_STR(argv[2], "three");
	CHECK(!argv[3]);
	CHECK(a.end);
	CHECK_INT(a.count, 5);
	CHECK_INT(a.conf.timeout_ms, -1);
}

static void
values_stand_behind_or_beside(void)
{
	CHECK_INT(parse(&plain, "-c5 -k key --size=10M --age 1h30m --mode=fast"), 0);
	CHECK_INT(a.count, 5);
	CHECK_STR(a.key, "key");
	CHECK_INT(a.size, 10 << 20);
	CHECK_INT(a.age, 5400000);
	CHECK_STR(a.mode, "fast");
	CHECK_INT(parse(&plain, "-ec7 --key= -k -e --level -3"), 0);
	CHECK_INT(a.count, 7);
	CHECK(a.end);
	CHECK_STR(a.key, "-e"); /* the last one, and a value may look like an option */
	CHECK_INT(a.level, -3);
	CHECK_INT(argc, 0);
}

static void
lists_keep_order_and_counts_count(void)
{
	CHECK_INT(parse(&plain, "-t a -vv -tb --topic=c -v -J -X x=1 -X list"), 0);
	CHECK_INT(a.topics.n, 3);
	CHECK_STR(a.topics.items[0], "a");
	CHECK_STR(a.topics.items[1], "b");
	CHECK_STR(a.topics.items[2], "c");
	CHECK_INT(a.conf.verbose, 3);
	CHECK_INT(a.conf.props.n, 2);
	CHECK(conf_wants_list(&a.conf) && !conf_wants_dump(&a.conf));
}

static void
two_dashes_end_options_and_one_is_an_argument(void)
{
	CHECK_INT(parse(&plain, "-e - -- -c --help"), 0);
	CHECK_INT(argc, 3);
	CHECK_STR(argv[0], "-");
	CHECK_STR(argv[1], "-c");
	CHECK_STR(argv[2], "--help");
}

static void
errors_name_the_option_and_the_remedy(void)
{
	refuses(&plain, "--bogus", "unknown option '--bogus' (try: kc-x --help)");
	refuses(&plain, "--conut=1", "unknown option '--conut' (did you mean "
		"'--count'? try: kc-x --help)");
	refuses(&plain, "-Q", "unknown option '-Q' (try: kc-x --help)");
	refuses(&plain, "--coun 1", "unknown option '--coun' (did you mean "
		"'--count'? try: kc-x --help)"); /* no abbreviations */
	refuses(&plain, "-c", "option '--count' needs a value: N (try: kc-x --help)");
	refuses(&plain, "-c x", "option '--count' wants a whole number from 0 on, "
		"not 'x'");
	refuses(&plain, "-c -1", "option '--count' wants a whole number from 0 on, "
		"not '-1'");
	refuses(&plain, "--level 4", "option '--level' wants a whole number from "
		"-3 to 3, not '4'");
	refuses(&plain, "--mode medium", "option '--mode' wants one of slow, fast, "
		"not 'medium'");
	refuses(&plain, "--raw=yes", "option '--raw' takes no value");
	refuses(&plain, "--size 1x", "option '--size': '1x' is not a size (try: 512, "
		"64K, 10M, 1G)");
	refuses(&plain, "--bogus -Q", "unknown option '--bogus' (try: kc-x --help)");
}

static void
exclusive_options_are_both_named(void)
{
	refuses(&plain, "-k x --raw", "options '--key' and '--raw' exclude each "
		"other (try: kc-x --help)");
	CHECK_INT(parse(&plain, "-k x -k y"), 0);
	CHECK_INT(parse(&plain, "-c 1 --max-messages 2"), 0);
	CHECK_INT(a.count, 2);
}

static void
a_verb_is_found_among_options(void)
{
	static const char *const lines[] = {
		"create -p 3 t", "-p 3 create t", "-k delete create t -p3",
		"create t --partitions=3", "-c 5 create -ep 3 t",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CHECK_INT(parse(&verbs, lines[i]), 0);
		CHECK(command == &commands[0]);
		CHECK_INT(a.partitions, 3);
		CHECK_INT(argc, 1);
		CHECK_STR(argv[0], "t");
	}
	CHECK_INT(parse(&verbs, "-e"), 0);
	CHECK(!command && !argc);
	CHECK_INT(parse(&verbs, "-- list -y"), 0);
	CHECK(command == &commands[2]);
	CHECK_STR(argv[0], "-y");
}

static void
a_default_verb_is_meant_when_there_is_no_argument(void)
{
	CHECK_INT(parse(&defaulting, "-y -e"), 0);
	CHECK(command == &commands[1]);
	CHECK(a.yes && a.end);
	CHECK_INT(argc, 0);
	CHECK_INT(parse(&defaulting, "create -p 3 t"), 0);
	CHECK(command == &commands[0]);
	CHECK_STR(argv[0], "t");
	refuses(&defaulting, "t", "unknown command 't' (there are "
		"create, delete, list; try: kc-x --help)");
	refuses(&defaulting, "-p 3", "option '--partitions' belongs to 'kc-x create' "
		"(try: kc-x --help)");
}

static void
a_name_is_an_argument_of_the_default_verb(void)
{
	CHECK_INT(parse(&naming, "-e billing create"), 0);
	CHECK(command == &commands[2]);
	CHECK_INT(argc, 2);
	CHECK_STR(argv[0], "billing");
	CHECK_STR(argv[1], "create");
	CHECK_INT(parse(&naming, "list create"), 0);
	CHECK(command == &commands[2]);
	CHECK_STR(argv[0], "create");
	CHECK_INT(parse(&naming, "create t"), 0);
	CHECK(command == &commands[0]);
	CHECK_INT(parse(&naming, "-e"), 0);
	CHECK(command == &commands[2] && !argc);
}

static void
a_verb_has_only_its_own_options(void)
{
	refuses(&verbs, "create t --yes", "option '--yes' belongs to 'kc-x delete' "
		"(try: kc-x --help)");
	refuses(&verbs, "-p 3 list", "option '--partitions' belongs to 'kc-x create' "
		"(try: kc-x --help)");
	refuses(&verbs, "-y", "option '--yes' belongs to 'kc-x delete' "
		"(try: kc-x --help)");
	refuses(&verbs, "crate t", "unknown command 'crate' (did you mean 'create'? "
		"try: kc-x --help)");
	refuses(&verbs, "frobnicate", "unknown command 'frobnicate' (there "
		"are create, delete, list; try: kc-x --help)");
	refuses(&verbs, "--bogus 3 list", "unknown option '--bogus' (try: kc-x --help)");
}

static void
the_walk_visits_every_table_once(void)
{
	struct opt_walk w = { .program = &verbs };
	struct opt_row r;
	int of_verbs = 0, common = 0, n = 0;

	while (conf_options[common].name)
		common++;
	for (; opt_walk_next(&w, &r); n++)
		of_verbs += r.command != NULL;
	CHECK_INT(of_verbs, 2);
	CHECK_INT(n, 11 + of_verbs + common + 3);
}

int
main(void)
{
	RUN(options_and_arguments_mix);
	RUN(values_stand_behind_or_beside);
	RUN(lists_keep_order_and_counts_count);
	RUN(two_dashes_end_options_and_one_is_an_argument);
	RUN(errors_name_the_option_and_the_remedy);
	RUN(exclusive_options_are_both_named);
	RUN(a_verb_is_found_among_options);
	RUN(a_default_verb_is_meant_when_there_is_no_argument);
	RUN(a_name_is_an_argument_of_the_default_verb);
	RUN(a_verb_has_only_its_own_options);
	RUN(the_walk_visits_every_table_once);
	return tap_done();
}
