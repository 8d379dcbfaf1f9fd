/* admin_client.h - kc-broker's verbs: what they ask a broker that runs. */
#ifndef ADMIN_CLIENT_H
#define ADMIN_CLIENT_H

#include <stdbool.h>

#include "base/err.h"

/* socket: its path. ERR_TEMPORARY when nobody listens, ERR_NO when it is degraded. */
int admin_status(const char *socket, bool json, struct err *e);
/* argv: add RULE... | list | clear [NUMBER...] | clock STEP */
int admin_fault(const char *socket, int argc, char **argv, struct err *e);

#endif
