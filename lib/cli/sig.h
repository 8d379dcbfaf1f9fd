/*
 * sig.h - SIGINT and SIGTERM as a flag and a descriptor to poll; the second
 * one ends the program at once. SIGPIPE is ignored: out sees EPIPE.
 */
#ifndef CLI_SIG_H
#define CLI_SIG_H

#include <stdbool.h>

void sig_init(void);
/* The signal that asked us to stop, or 0. */
int sig_caught(void);
/* Readable once a signal was caught; for poll(). */
int sig_fd(void);

#endif
