/*
 * start - how long until it answers, seen from outside.
 *
 *	start broker COMMAND...   from fork to the first Metadata reply; the command gets
 *	                          "--port 0 --ready-fd N" behind it and is ended afterwards
 *	start output COMMAND...   from fork to the first byte on its stdout
 *
 * Prints milliseconds, for a broker also its resident memory in kB.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* Runs argv with its descriptor `fd` on our pipe; returns the reading end. */
static int
spawn(char **argv, int fd, pid_t *pid)
{
	int p[2];

	if (pipe(p) < 0)
		die("pipe");
	*pid = fork();
	if (*pid < 0)
		die("fork");
	if (!*pid) {
		dup2(p[1], fd);
		if (p[0] != fd)
			close(p[0]);
		if (p[1] != fd)
			close(p[1]);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	close(p[1]);
	return p[0];
}

static void
ask_metadata(int port)
{
	/* length 17, Metadata (3) v1, correlation 1, client "b", no topics */
	static const uint8_t request[] = { 0, 0, 0, 15, 0, 3, 0, 1, 0, 0, 0, 1,
		0, 1, 'b', 0, 0, 0, 0 };
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	uint8_t reply[256];

	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("connect");
	if (write(s, request, sizeof(request)) != sizeof(request))
		die("write");
	if (read(s, reply, sizeof(reply)) < 8)
		die("no Metadata reply");
	close(s);
}

static long
resident_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

static int
time_broker(int argc, char **argv)
{
	static char port[] = "--port", any[] = "0", ready[] = "--ready-fd",
		nine[] = "9";
	char **with = calloc((size_t)argc + 5, sizeof(*with));
	char line[128] = "", *colon;
	double t0 = now_ms();
	ssize_t n;
	pid_t pid;
	int fd;

	memcpy(with, argv, (size_t)argc * sizeof(*with));
	with[argc] = port;
	with[argc + 1] = any;
	with[argc + 2] = ready;
	with[argc + 3] = nine;
	fd = spawn(with, 9, &pid);
	n = read(fd, line, sizeof(line) - 1);
	colon = n > 0 ? strrchr(line, ':') : NULL;
	if (!colon)
		die("the broker did not say where it listens");
	ask_metadata((int)strtol(colon + 1, NULL, 10));
	printf("%.1f ms, %ld kB resident\n", now_ms() - t0, resident_kb(pid));
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	free(with);
	return 0;
}

static int
time_output(char **argv)
{
	double t0 = now_ms();
	pid_t pid;
	int fd = spawn(argv, 1, &pid);
	char c;

	if (read(fd, &c, 1) != 1)
		die("no output");
	printf("%.1f ms\n", now_ms() - t0);
	close(fd); /* it may be blocked on a full pipe, and would stay so */
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "broker"))
		return time_broker(argc - 2, argv + 2);
	if (argc > 2 && !strcmp(argv[1], "output"))
		return time_output(argv + 2);
	fprintf(stderr, "usage: start broker|output COMMAND...\n");
	return 2;
}
