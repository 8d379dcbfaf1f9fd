#include "admin_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "admin_address.h"
#include "base/buf.h"
#include "base/num.h"
#include "cli/json.h"

enum {
	ANSWER_S = 30,
	NAME_WIDTH = 21, /* records_in_per_second */
};

/* ---- asking --------------------------------------------------------------- */

static int
connect_to(const char *path, struct err *e)
{
	struct timeval limit = { .tv_sec = ANSWER_S };
	struct err why = ERR_INIT;
	struct sockaddr_un a;
	int dir = admin_address(path, &a, &why), fd, code;

	/* No directory, no socket, nobody behind it: all the same to a person. */
	if (dir < 0)
		return err_set(e, ERR_TEMPORARY, "no kc-broker is running: %s",
			why.msg);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		close(dir);
		return err_errno(e, ERR_FAILED, "cannot make a socket");
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(dir);
		return fd;
	}
	code = errno;
	close(fd);
	close(dir);
	if (code == EACCES)
		return err_set(e, ERR_REFUSED, "may not open '%s': it is another user's",
			path);
	return err_set(e, ERR_TEMPORARY,
		"no kc-broker is running here: '%s': %s (try: --data-dir DIR or --admin-socket FILE)",
		path, strerror(code));
}

/* A status line, then the text. */
static int
read_answer(int fd, struct buf *out, struct err *e)
{
	char *end;
	int64_t status;
	ssize_t n;

	while ((n = recv(fd, buf_reserve(out, 4096), 4096, 0)) > 0)
		out->len += (size_t)n;
	end = n < 0 || !out->len ? NULL : memchr(out->data, '\n', out->len);
	if (!end || num_int(slice_make(out->data, (size_t)(end - (char *)out->data)),
		0, 255, &status, &(struct err)ERR_INIT))
		return err_set(e, ERR_TEMPORARY,
			"the broker did not answer within %d s", ANSWER_S);
	buf_consume(out, (size_t)(end - (char *)out->data) + 1);
	if (!status)
		return 0;
	if (out->len)
		out->len--; /* its LF */
	return err_set(e, status == 2 ? ERR_USAGE : status == 3 ? ERR_NO : ERR_FAILED,
		"%s", buf_cstr(out));
}

static int
ask(const char *path, struct buf *line, struct buf *out, struct err *e)
{
	int fd = connect_to(path, e), result;

	if (fd < 0)
		return -1;
	buf_addc(line, '\n');
	if (send(fd, line->data, line->len, MSG_NOSIGNAL) != (ssize_t)line->len)
		result = err_errno(e, ERR_TEMPORARY, "cannot ask the broker");
	else
		result = read_answer(fd, out, e);
	close(fd);
	return result;
}

static int
print(const struct buf *out, struct err *e)
{
	if (fwrite(out->data, 1, out->len, stdout) != out->len || fflush(stdout))
		return err_errno(e, ERR_IO, "cannot write");
	return 0;
}

/* ---- status --------------------------------------------------------------- */

/* As a person reads it: 1.5 GiB, 2d 3h. */
static void
put_bytes(struct buf *out, int64_t v)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double d = (double)v;
	int u = 0;

	for (; d >= 1024 && u < 4; u++)
		d /= 1024;
	buf_addf(out, u ? "%.1f %s" : "%.0f %s", d, units[u]);
}

static void
put_span(struct buf *out, int64_t ms)
{
	int64_t s = ms / 1000;

	if (s >= 86400)
		buf_addf(out, "%" PRId64 "d %" PRId64 "h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		buf_addf(out, "%" PRId64 "h %" PRId64 "m", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		buf_addf(out, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else
		buf_addf(out, "%" PRId64 "s", s);
}

static void
put_for_person(struct buf *out, const char *name, const char *type, const char *value)
{
	char when[NUM_TIME_TEXT];
	int64_t v = 0;
	struct err e = ERR_INIT;

	if (strcmp(type, "text"))
		num_int(slice_str(value), INT64_MIN, INT64_MAX, &v, &e);
	for (const char *p = name; *p; p++)
		buf_addc(out, *p == '_' ? ' ' : *p);
	buf_addf(out, ":%*s", NAME_WIDTH + 1 - (int)strlen(name), "");
	if (!strcmp(type, "bytes"))
		put_bytes(out, v);
	else if (!strcmp(type, "ms"))
		put_span(out, v);
	else if (!strcmp(type, "time"))
		buf_addstr(out, v ? num_time_text(v, when) : "-");
	else
		buf_addstr(out, value);
	buf_addc(out, '\n');
}

static void
put_for_program(struct json *j, const char *name, const char *type, char *value)
{
	struct err e = ERR_INIT;
	struct json *list;
	char *save = NULL;
	int64_t v;

	if (!strcmp(name, "addresses")) {
		list = json_array();
		for (char *p = strtok_r(value, ",", &save); p;
		    p = strtok_r(NULL, ",", &save))
			json_add_str(list, NULL, p);
		json_add(j, name, list);
	} else if (!strcmp(type, "text") ||
	    num_int(slice_str(value), INT64_MIN, INT64_MAX, &v, &e)) {
		json_add_str(j, name, value);
	} else {
		json_add_int(j, name, v);
	}
}

int
admin_status(const char *socket, bool json, struct err *e)
{
	struct buf line = BUF_INIT, in = BUF_INIT, out = BUF_INIT;
	struct json *j = json_object();
	char *save = NULL, *reason = NULL;
	int result;

	buf_addstr(&line, "status");
	result = ask(socket, &line, &in, e);
	for (char *p = result ? NULL : strtok_r((char *)(uintptr_t)buf_cstr(&in), "\n",
		&save); p; p = strtok_r(NULL, "\n", &save)) {
		char *type = strchr(p, '\t'), *value = type ? strchr(type + 1, '\t') : NULL;

		if (!value)
			continue;
		*type++ = '\0';
		*value++ = '\0';
		if (!strcmp(p, "reason"))
			reason = value;
		if (json)
			put_for_program(j, p, type, value);
		else
			put_for_person(&out, p, type, value);
	}
	if (!result && json)
		json_print(&out, j);
	if (!result)
		result = print(&out, e);
	if (!result && reason)
		result = err_set(e, ERR_NO, "degraded: %s", reason);
	json_free(j);
	buf_release(&line);
	buf_release(&in);
	buf_release(&out);
	return result;
}

/* ---- fault ---------------------------------------------------------------- */

int
admin_fault(const char *socket, int argc, char **argv, struct err *e)
{
	struct buf line = BUF_INIT, out = BUF_INIT;
	int result;

	if (!argc)
		return err_set(e, ERR_USAGE,
			"fault: say what (add RULE, list, clear [NUMBER] or clock STEP)");
	buf_addstr(&line, "fault");
	for (int i = 0; i < argc; i++) {
		buf_addf(&line, " %s", argv[i]);
		for (size_t k = 0; k < line.len; k++)
			if (line.data[k] == '\n')
				line.data[k] = ' ';
	}
	result = ask(socket, &line, &out, e);
	if (!result)
		result = print(&out, e);
	buf_release(&line);
	buf_release(&out);
	return result;
}
