/*
 * admin_address.h - a Unix socket's address for a path of any length: names
 * in sockaddr_un end after 107 bytes, directories do not.
 */
#ifndef ADMIN_ADDRESS_H
#define ADMIN_ADDRESS_H

#include <sys/un.h>

#include "base/err.h"

/* Opens the path's directory, to be closed after bind() or connect(). -1: e. */
int admin_address(const char *path, struct sockaddr_un *a, struct err *e);

#endif
