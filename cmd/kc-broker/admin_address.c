#include "admin_address.h"

#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/xalloc.h"

int
admin_address(const char *path, struct sockaddr_un *a, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char *dir = slash ? xmemdup0(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), n;

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (fd < 0) {
		err_errno(e, ERR_FAILED, "cannot open the directory '%s'", dir);
	} else {
		n = snprintf(a->sun_path, sizeof(a->sun_path),
			"/proc/self/fd/%d/%s", fd, name);
		if (n >= (int)sizeof(a->sun_path)) {
			err_set(e, ERR_USAGE, "the socket's name '%s' is too long",
				name);
			close(fd);
			fd = -1;
		}
	}
	free(dir);
	return fd;
}
