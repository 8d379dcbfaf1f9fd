#include "cli/prompt.h"

#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/buf.h"
#include "base/xalloc.h"
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
	rl_instream = stdin;
	rl_outstream = stderr;
	rl_event_hook = stop_on_signal;
	answer = readline(buf_cstr(&text));
	buf_release(&text);
	return answer;
}

static bool
has_terminal(void)
{
	return term_is_tty(STDIN_FILENO) && term_is_tty(STDERR_FILENO);
}

int
prompt_line(const char *question, char **out, struct err *e)
{
	char *answer, *from;
	size_t n;

	*out = NULL;
	if (!has_terminal())
		return err_set(e, ERR_USAGE, "there is no terminal to ask on");
	answer = ask(question);
	if (sig_caught()) {
		free(answer);
		return -1;
	}
	if (!answer)
		return 0;
	for (from = answer; *from == ' ' || *from == '\t'; from++)
		;
	for (n = strlen(from); n && (from[n - 1] == ' ' || from[n - 1] == '\t'); n--)
		;
	if (n)
		add_history(answer);
	*out = xmemdup0(from, n);
	free(answer);
	return 0;
}

int
prompt_yes(const char *question, struct err *e)
{
	struct buf text = BUF_INIT;
	char *answer;
	int yes;

	if (!has_terminal())
		return err_set(e, ERR_USAGE, "%s (there is no terminal to ask on; "
			"try: --yes)", question);
	buf_addf(&text, "%s [y/N] ", question);
	answer = ask(buf_cstr(&text));
	buf_release(&text);
	yes = answer && !sig_caught() &&
		(!strcasecmp(answer, "y") || !strcasecmp(answer, "yes"));
	free(answer);
	if (sig_caught())
		return -1;
	return yes ? 0 : err_set(e, ERR_FAILED, "not confirmed, nothing done");
}
