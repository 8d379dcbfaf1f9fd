/*
 * Any bytes as a configuration file: a first byte of 'p' makes them properties
 * of -F (librdkafka's or Java's), any other YAML. Refused with a word about
 * it, or settings that each have a name, a value and an origin.
 */
#include <stdlib.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/conf_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A configuration may name commands; these here are anybody's: none is run. */
FILE *
popen(const char *command, const char *mode)
{
	(void)command;
	(void)mode;
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	char path[64];
	struct conf c = { 0 };
	struct err e = ERR_INIT;
	int result;

	if (!len || fd < 0 || fchmod(fd, 0600) < 0 ||
	    write(fd, data + 1, len - 1) != (ssize_t)(len - 1))
		goto out;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	result = *data == 'p' ? conf_properties_load(&c, path, &e)
		: conf_yaml_load(&c, path, NULL, &e);
	if (result < 0 && !e.msg[0])
		abort();
	for (int i = 0; !result && i < c.props_n; i++)
		if (!c.props[i].name[0] || !c.props[i].value || !c.props[i].origin)
			abort();
	conf_release(&c);
out:
	close(fd);
	return 0;
}
