#include "cli/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/sig.h"
#include "cli/term.h"

enum {
	ESCAPE_MS = 50,      /* an ESC alone, or the start of a key's sequence */
	WRITE_MS = 2000,     /* a terminal that takes nothing for so long is gone */
	KEYS_MAX = 64,
};

#define ENTER_SCREEN "\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE_SCREEN "\033[0m\033[?25h\033[?1049l"

struct screen {
	struct termios before;
	sigset_t waiting;            /* the signal mask while a key is awaited */
	int width, height;
	bool utf8;
	struct buf shown;            /* what stands there, line after line */
	unsigned char keys[KEYS_MAX]; /* read and not given out */
	int keys_n, keys_at;
};

/* A handler has no argument: SIGWINCH sets this. */
static volatile sig_atomic_t resized;

static void
on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

static void
read_size(struct screen *s)
{
	struct winsize ws;

	s->width = 80;
	s->height = 24;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_col && ws.ws_row) {
		s->width = ws.ws_col;
		s->height = ws.ws_row;
	}
}

/* All of it, as long as the terminal takes something now and then. */
static int
write_all(const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
		ssize_t done;

		if (poll(&fd, 1, WRITE_MS) == 0)
			return -1;
		done = write(STDOUT_FILENO, at, n);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (done > 0) {
			at += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

int
screen_open(struct screen **out, struct err *e)
{
	struct sigaction sa = { .sa_handler = on_resize };
	struct screen *s;
	struct termios raw;
	sigset_t winch;

	*out = NULL;
	if (!term_is_tty(STDIN_FILENO) || !term_is_tty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE, "a screen needs a terminal on stdin "
			"and stdout");
	s = xcalloc(1, sizeof(*s));
	if (tcgetattr(STDIN_FILENO, &s->before)) {
		free(s);
		return err_errno(e, ERR_IO, "cannot read the terminal's settings");
	}
	raw = s->before;
	/* Signals stay signals: ^C ends, as everywhere. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	setlocale(LC_CTYPE, "");
	s->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	/* Let through only while screen_key() waits, so that none comes between. */
	sigemptyset(&sa.sa_mask);
	sigaction(SIGWINCH, &sa, NULL);
	sigemptyset(&winch);
	sigaddset(&winch, SIGWINCH);
	sigprocmask(SIG_BLOCK, &winch, &s->waiting);
	sigdelset(&s->waiting, SIGWINCH);
	read_size(s);
	*out = s;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	if (write_all(ENTER_SCREEN, strlen(ENTER_SCREEN)))
		return err_set(e, ERR_IO, "cannot write to the terminal");
	return 0;
}

void
screen_close(struct screen *s)
{
	if (!s)
		return;
	write_all(LEAVE_SCREEN, strlen(LEAVE_SCREEN));
	tcsetattr(STDIN_FILENO, TCSADRAIN, &s->before);
	buf_release(&s->shown);
	free(s);
}

int
screen_width(const struct screen *s)
{
	return s->width;
}

int
screen_height(const struct screen *s)
{
	return s->height;
}

bool
screen_is_utf8(const struct screen *s)
{
	return s->utf8;
}

/* ---- drawing ----------------------------------------------------------------- */

/* Takes the next line off *text; empty ones when there is none left. */
static struct slice
next_line(struct slice *text)
{
	const char *at = text->data, *lf;
	struct slice line;

	lf = text->len ? memchr(at, '\n', text->len) : NULL;
	line = slice_make(at, lf ? (size_t)(lf - at) : text->len);
	if (lf)
		*text = slice_make(lf + 1, text->len - line.len - 1);
	else
		*text = slice_make("", 0);
	return line;
}

int
screen_draw(struct screen *s, struct slice text, struct err *e)
{
	struct slice before = buf_slice(&s->shown), left = text;
	struct buf out = BUF_INIT;
	int result = 0;

	/* A synchronized update, where the terminal knows it: no half screens. */
	buf_addstr(&out, "\033[?2026h");
	for (int i = 0; i < s->height; i++) {
		struct slice line = next_line(&left), old = next_line(&before);

		if (line.len == old.len && (!line.len ||
		    !memcmp(line.data, old.data, line.len)))
			continue;
		buf_addf(&out, "\033[%d;1H", i + 1);
		buf_addslice(&out, line);
		buf_addstr(&out, "\033[0m\033[K");
	}
	buf_addstr(&out, "\033[?2026l");
	if (write_all(out.data, out.len))
		result = err_set(e, ERR_IO, "the terminal takes no more");
	buf_clear(&s->shown);
	buf_addslice(&s->shown, text);
	buf_release(&out);
	return result;
}

/* ---- keys -------------------------------------------------------------------- */

static bool
read_keys(struct screen *s)
{
	ssize_t n = read(STDIN_FILENO, s->keys + s->keys_n,
		(size_t)(KEYS_MAX - s->keys_n));

	if (n > 0)
		s->keys_n += (int)n;
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Behind an ESC: there may be more of the sequence to come. */
static void
await_more(struct screen *s)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };

	if (s->keys_at == s->keys_n && s->keys_n < KEYS_MAX &&
	    poll(&fd, 1, ESCAPE_MS) > 0)
		read_keys(s);
}

static int
take(struct screen *s)
{
	int c = s->keys[s->keys_at++];

	if (s->keys_at == s->keys_n)
		s->keys_at = s->keys_n = 0;
	return c;
}

static const struct sequence {
	const char *text;    /* behind ESC [ or ESC O */
	int key;
} sequences[] = {
	{ "A", SCREEN_UP }, { "B", SCREEN_DOWN }, { "C", SCREEN_RIGHT },
	{ "D", SCREEN_LEFT }, { "H", SCREEN_HOME }, { "F", SCREEN_END },
	{ "1~", SCREEN_HOME }, { "4~", SCREEN_END }, { "7~", SCREEN_HOME },
	{ "8~", SCREEN_END }, { "5~", SCREEN_PAGE_UP }, { "6~", SCREEN_PAGE_DOWN },
};

/* Behind ESC: a key's sequence, or ESC itself. A sequence we don't know is no key. */
static int
escape(struct screen *s)
{
	char text[16];
	size_t n = 0;

	await_more(s);
	if (s->keys_at == s->keys_n ||
	    (s->keys[s->keys_at] != '[' && s->keys[s->keys_at] != 'O'))
		return SCREEN_ESC;
	take(s);
	do {
		await_more(s);
		if (!s->keys_n)
			return SCREEN_NONE;
		text[n++] = (char)take(s);
	} while (n < sizeof(text) - 1 && (text[n - 1] < 0x40 || text[n - 1] > 0x7e));
	text[n] = '\0';
	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++)
		if (!strcmp(text, sequences[i].text))
			return sequences[i].key;
	return SCREEN_NONE;
}

static int
next_key(struct screen *s)
{
	int c = take(s);

	if (c == 0x1b)
		return escape(s);
	if (c == '\n')
		return SCREEN_ENTER;
	return c == '\b' ? SCREEN_BACKSPACE : c;
}

int
screen_key(struct screen *s, int wait_ms, int wake_fd)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = sig_fd(), .events = POLLIN },
		{ .fd = wake_fd, .events = POLLIN },
	};
	struct timespec wait = { wait_ms / 1000, wait_ms % 1000 * 1000000L };

	if (sig_caught())
		return SCREEN_ENDED;
	if (s->keys_n)
		return next_key(s);
	if (ppoll(fds, 3, wait_ms < 0 ? NULL : &wait, &s->waiting) < 0 &&
	    errno != EINTR)
		return SCREEN_ENDED;
	if (sig_caught())
		return SCREEN_ENDED;
	if (resized) {
		resized = 0;
		read_size(s);
		/* What terminals leave of a screen that they bend is not known. */
		buf_clear(&s->shown);
		return write_all("\033[2J", 4) ? SCREEN_ENDED : SCREEN_RESIZED;
	}
	if (fds[2].revents)
		return SCREEN_WOKEN;
	if (!fds[0].revents)
		return SCREEN_NONE;
	if (!read_keys(s))
		return SCREEN_ENDED;
	return s->keys_n ? next_key(s) : SCREEN_NONE;
}
