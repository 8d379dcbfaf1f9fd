#include "cli/tool.h"

#include <fcntl.h>
#include <unistd.h>

#include "cli/conf.h"
#include "cli/diag.h"
#include "cli/sig.h"

/*
 * With a descriptor closed by our parent, the next file or socket would be our
 * stdout: records would be written into it. One that cannot be used is put
 * there instead.
 */
static void
hold_standard_files(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", modes[fd]);
}

int
tool_begin(const struct opt_program *p, void *args, int *argc, char **argv,
	const struct opt_command **verb, struct err *e)
{
	const struct conf_args *common;

	hold_standard_files();
	diag_init(p->name);
	if (opt_parse(p, args, argc, argv, verb, e))
		return -1;
	common = (const void *)((const char *)args + p->common_at);
	diag_set_level(common->quiet, common->verbose);
	sig_init();
	return 0;
}

int
tool_main(const struct opt_program *p, void *args, tool_run run, int argc,
	char **argv)
{
	const struct opt_command *verb = NULL;
	struct err e = ERR_INIT;
	int result = tool_begin(p, args, &argc, argv, &verb, &e);

	if (!result)
		result = run(args, verb, argc, argv, &e);
	if (result && e.code && sig_caught()) {
		diag_error("%s", e.msg);
		e.code = ERR_NONE; /* the signal is the status */
	}
	return diag_finish(result, &e);
}
