#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"

/* Writes, syncs and closes; errno tells. */
static int
fill(int fd, struct slice content)
{
	const char *p = content.data;
	size_t left = content.len;
	int code = 0;

	while (left && !code) {
		ssize_t n = write(fd, p, left);

		if (n < 0 && errno != EINTR)
			code = errno;
		else if (n > 0) {
			p += n;
			left -= (size_t)n;
		}
	}
	if (!code && fsync(fd))
		code = errno;
	if (close(fd) && !code)
		code = errno;
	errno = code;
	return code ? -1 : 0;
}

/* A name is durable once its directory is. */
static int
sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xmemdup0(path, (size_t)(slash - path) + 1) :
		xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = -1;

	free(dir);
	if (fd < 0)
		return -1;
	/* some file systems have no such thing */
	if (!fsync(fd) || errno == EINVAL)
		ret = 0;
	close(fd);
	return ret;
}

int
file_create(const char *path, struct slice content, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_EXISTS, "'%s' exists already", path);
	if (fd < 0)
		return err_errno(e, ERR_IO, "cannot create '%s'", path);
	if (!fill(fd, content) && !sync_directory(path))
		return 0;
	err_errno(e, ERR_IO, "cannot write '%s'", path);
	unlink(path);
	return -1;
}

static int
replace(const char *path, struct slice content, struct err *e)
{
	struct buf name = BUF_INIT;
	struct stat old;
	int fd;

	buf_addf(&name, "%s.%d", path, (int)getpid());
	/* left by a crash, long ago */
	unlink(buf_cstr(&name));
	fd = open(buf_cstr(&name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		err_errno(e, ERR_IO, "cannot create '%s'", buf_cstr(&name));
		buf_release(&name);
		return -1;
	}
	if (!stat(path, &old))
		(void)!fchmod(fd, old.st_mode & 07777);
	if (!fill(fd, content) && !rename(buf_cstr(&name), path) &&
	    !sync_directory(path)) {
		buf_release(&name);
		return 0;
	}
	err_errno(e, ERR_IO, "cannot write '%s'", path);
	unlink(buf_cstr(&name));
	buf_release(&name);
	return -1;
}

int
file_replace(const char *path, struct slice content, struct err *e)
{
	char *real = realpath(path, NULL);
	int ret = replace(real ? real : path, content, e);

	free(real);
	return ret;
}
