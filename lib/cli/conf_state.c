/* conf_state.c - where programs keep what the next run wants to know, or only this one. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/conf.h"

/* Makes every directory of the path that ends in a slash. */
static int
make_directories(char *path, struct err *e)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		int code;

		*p = '\0';
		code = mkdir(path, 0700) ? errno : 0;
		if (code && code != EEXIST) {
			errno = code;
			return err_errno(e, ERR_IO, "cannot create '%s'", path);
		}
		*p = '/';
	}
	return 0;
}

int
conf_state_path(struct buf *out, const char *name, struct err *e)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	buf_clear(out);
	if (xdg && *xdg)
		buf_addf(out, "%s/kc/%s", xdg, name);
	else if (home && *home)
		buf_addf(out, "%s/.local/state/kc/%s", home, name);
	else
		return err_set(e, ERR_USAGE, "no place for '%s': neither "
			"XDG_STATE_HOME nor HOME is set", name);
	buf_cstr(out);
	return make_directories((char *)out->data, e);
}

int
conf_unnamed_file(struct err *e)
{
	const char *dir = getenv("TMPDIR");
	struct buf path = BUF_INIT;
	int fd;

	buf_addf(&path, "%s/kc-XXXXXX", dir && *dir ? dir : "/tmp");
	buf_cstr(&path);
	fd = mkostemp((char *)path.data, O_CLOEXEC);
	if (fd < 0)
		err_errno(e, ERR_IO, "cannot make a file '%s' (set TMPDIR to "
			"another folder)", (char *)path.data);
	else
		unlink((char *)path.data);
	buf_release(&path);
	return fd;
}
