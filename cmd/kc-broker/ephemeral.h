/*
 * ephemeral.h - a broker for the length of one command: its directory, which
 * is gone afterwards, and the command.
 */
#ifndef EPHEMERAL_H
#define EPHEMERAL_H

#include <signal.h>
#include <sys/types.h>

#include "base/err.h"

/* A fresh directory under $TMPDIR; returns owned, NULL on failure. */
char *ephemeral_dir(struct err *e);
/* With all that is in it; what cannot be removed is left, with a warning. */
void ephemeral_remove(const char *dir);

/*
 * Starts the command with KC_BROKERS and KC_BROKER_ADMIN (the admin socket) in
 * its environment and `mask` as its
 * blocked signals. 0, or the exit status that a shell would give, with e set.
 */
int command_start(char **argv, const char *brokers, const char *admin,
	const sigset_t *mask, pid_t *pid, struct err *e);
/* Has it ended? Then *status is its exit status, 128+n when signal n ended it. */
int command_ended(pid_t pid, int *status);

#endif
