/*
 * term.h - what stdout or stderr is: terminal or not, width, colour; and
 * foreign bytes made harmless for a screen.
 */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

bool term_is_tty(int fd);
/* Columns, 80 when unknown. */
int term_width(int fd);
/* Lines, 24 when unknown. */
int term_height(int fd);
/* --color value (NULL = auto) against tty, NO_COLOR and TERM=dumb. */
bool term_color(int fd, const char *choice);
/* Columns that a UTF-8 text takes on a screen. */
int term_columns(struct slice text);
/* Appends text with control characters and bad UTF-8 as \xNN. */
void term_escape(struct buf *out, struct slice text);

#endif
