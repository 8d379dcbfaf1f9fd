/*
 * screen.h - a terminal as a screen of lines that is drawn again and again:
 * keys one by one, the size as it changes, and only what differs is sent, so
 * that a slow line keeps up.
 *
 * The alternate screen is used where the terminal has one; what stood on the
 * terminal before is there again after screen_close(). One screen a program.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Keys beyond bytes: a byte of UTF-8 text comes as itself. */
enum screen_key {
	SCREEN_NONE = 0,     /* nothing within the time */
	SCREEN_TAB = '\t', SCREEN_ENTER = '\r', SCREEN_ESC = 0x1b,
	SCREEN_BACKSPACE = 0x7f,
	SCREEN_UP = 256, SCREEN_DOWN, SCREEN_LEFT, SCREEN_RIGHT,
	SCREEN_PAGE_UP, SCREEN_PAGE_DOWN, SCREEN_HOME, SCREEN_END,
	SCREEN_RESIZED,      /* width and height are others now: draw */
	SCREEN_WOKEN,        /* wake_fd is readable */
	SCREEN_ENDED,        /* a signal asked to end, or the terminal is gone */
};

struct screen;

/* ERR_USAGE unless stdin and stdout are a terminal. */
int screen_open(struct screen **out, struct err *e);
/* Puts the terminal back. */
void screen_close(struct screen *s);

int screen_width(const struct screen *s);   /* columns, at least 1 */
int screen_height(const struct screen *s);  /* lines, at least 1 */
bool screen_is_utf8(const struct screen *s);

/*
 * Shows text, lines ended by LF: each replaces the line that stood there;
 * those past the height are not shown. A line may hold SGR sequences (ESC [
 * ... m) and is cut by the terminal's edge, not here. Blocks no longer than
 * the terminal takes it: what a slow one has not taken is skipped next time.
 */
int screen_draw(struct screen *s, struct slice text, struct err *e);

/*
 * The next key, SCREEN_RESIZED, SCREEN_WOKEN (wake_fd; -1 = none) or
 * SCREEN_ENDED; SCREEN_NONE after wait_ms (-1 = for ever).
 */
int screen_key(struct screen *s, int wait_ms, int wake_fd);

#endif
