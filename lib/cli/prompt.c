#include "cli/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include <readline/readline.h>

#include "base/buf.h"
#include "cli/sig.h"
#include "cli/term.h"

/*
 * Our handlers only set a flag, and readline goes on after a signal; it looks
 * at rl_done only behind this hook, which it runs ten times a second.
 */
static int
stop_on_signal(void)
{
	rl_done = sig_caught() != 0;
	return 0;
}

static char *
ask(const char *question)
{
	struct buf text = BUF_INIT;
	char *answer;

	term_escape(&text, slice_str(question));
	buf_addstr(&text, " [y/N] ");
	rl_instream = stdin;
	rl_outstream = stderr;
	rl_event_hook = stop_on_signal;
	answer = readline(buf_cstr(&text));
	buf_release(&text);
	return answer;
}

int
prompt_yes(const char *question, struct err *e)
{
	char *answer;
	int yes;

	if (!term_is_tty(STDIN_FILENO) || !term_is_tty(STDERR_FILENO))
		return err_set(e, ERR_USAGE, "%s (there is no terminal to ask on; "
			"try: --yes)", question);
	answer = ask(question);
	yes = answer && !sig_caught() &&
		(!strcasecmp(answer, "y") || !strcasecmp(answer, "yes"));
	free(answer);
	if (sig_caught())
		return -1;
	return yes ? 0 : err_set(e, ERR_FAILED, "not confirmed, nothing done");
}
