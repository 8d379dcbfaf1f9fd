/* Files are written whole or not at all; nothing is written over by mistake. */
#include "cli/file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/conf.h"
#include "tap.h"

static char dir[256];

static const char *
content(const char *path)
{
	static char text[64];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	return f ? text : NULL;
}

static void
a_file_is_replaced(void)
{
	struct err e = ERR_INIT;
	struct stat st;

	CHECK(!file_replace("a", slice_str("one\n"), &e));
	CHECK_STR(content("a"), "one\n");
	CHECK(!chmod("a", 0644) && !symlink("a", "link"));
	CHECK(!file_replace("link", slice_str("two\n"), &e));
	CHECK_STR(content("a"), "two\n");
	CHECK(!stat("a", &st) && (st.st_mode & 0777) == 0644);
	CHECK(!lstat("link", &st) && S_ISLNK(st.st_mode));
}

static void
a_file_is_created_once(void)
{
	struct err e = ERR_INIT;
	struct stat st;

	CHECK(!file_create("b", slice_str("one\n"), &e));
	CHECK(!stat("b", &st) && (st.st_mode & 0777) == 0600);
	CHECK(file_create("b", slice_str("two\n"), &e) == -1);
	CHECK_INT(e.code, ERR_EXISTS);
	CHECK_STR(content("b"), "one\n");
}

static void
what_fails_leaves_nothing(void)
{
	struct err e = ERR_INIT;

	CHECK(file_replace("no/such", slice_str("x"), &e) == -1);
	CHECK_INT(e.code, ERR_IO);
	CHECK(file_create("no/such", slice_str("x"), &e) == -1);
	CHECK(!mkdir("d", 0700));
	CHECK(file_replace("d", slice_str("x"), &e) == -1);
	CHECK_INT(e.code, ERR_IO);
	CHECK(!rmdir("d"));
}

static void
state_has_a_place(void)
{
	struct err e = ERR_INIT;
	struct buf path = BUF_INIT, want = BUF_INIT;
	struct stat st;

	setenv("XDG_STATE_HOME", dir, 1);
	buf_addf(&want, "%s/kc/lag/x", dir);
	CHECK(!conf_state_path(&path, "lag/x", &e));
	CHECK_STR(buf_cstr(&path), buf_cstr(&want));
	CHECK(!stat("kc/lag", &st) && S_ISDIR(st.st_mode));
	CHECK(!conf_state_path(&path, "lag/x", &e));
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", dir, 1);
	CHECK(!conf_state_path(&path, "y", &e));
	CHECK(!stat(".local/state/kc", &st));
	unsetenv("HOME");
	CHECK(conf_state_path(&path, "y", &e) == -1);
	CHECK_INT(e.code, ERR_USAGE);
	buf_release(&path);
	buf_release(&want);
}

static void
clean(void)
{
	static const char *const names[] = { "a", "b", "link", "kc/lag", "kc",
		".local/state/kc", ".local/state", ".local" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		remove(names[i]);
	/* not empty: something was left */
	CHECK(!rmdir(dir));
}

int
main(void)
{
	if (!tap_folder(dir, sizeof(dir)) || chdir(dir))
		return 1;
	RUN(a_file_is_replaced);
	RUN(a_file_is_created_once);
	RUN(what_fails_leaves_nothing);
	RUN(state_has_a_place);
	RUN(clean);
	return tap_done();
}
