/*
 * sig.h - SIGINT, SIGTERM and SIGHUP as a flag and a descriptor to poll; the
 * second one ends the program at once. SIGPIPE is ignored: out sees EPIPE.
 * A signal that was ignored at the start (nohup, a shell's `&`) stays so.
 */
#ifndef CLI_SIG_H
#define CLI_SIG_H

#include <stdbool.h>

void sig_init(void);
/* The signal that asked us to stop, or 0. */
int sig_caught(void);
/* Readable once a signal was caught, for poll(); -1 before sig_init(). */
int sig_fd(void);

/*
 * From here on SIGUSR1 pauses, and the next one ends the pause. It cuts
 * poll() short (EINTR).
 */
void sig_watch_pause(void);
bool sig_is_paused(void);

/* SIGUSR2 asks how far we are: true once for each time, after sig_watch_news(). */
void sig_watch_news(void);
bool sig_wants_news(void);

#endif
