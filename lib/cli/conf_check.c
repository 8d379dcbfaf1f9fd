/*
 * What would otherwise show as silence only, or in OpenSSL's words: names that
 * are no brokers, and files that cannot be read.
 */
#include <ctype.h>
#include <strings.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/conf_part.h"

static const char *
protocol_of(const struct conf *c)
{
	const char *protocol = conf_get(c, "security.protocol");

	return protocol ? protocol : "plaintext";
}

/* ---- brokers ---------------------------------------------------------------- */

/* "ssl://host:9093", as Kafka writes listeners: librdkafka drops another protocol's. */
static bool
skip_protocol(const char **name, const char *end, const char *protocol)
{
	size_t n = strlen(protocol);

	if (!memmem(*name, (size_t)(end - *name), "://", 3))
		return true;
	if (strncasecmp(*name, protocol, n) || strncmp(*name + n, "://", 3))
		return false;
	*name += n + 3;
	return true;
}

/* host, host:9092, [::1], [::1]:9092, ::1 */
static bool
is_address(const char *name, const char *end)
{
	size_t n = (size_t)(end - name);
	const char *first = memchr(name, ':', n), *last = memrchr(name, ':', n);
	struct err ignored;
	int64_t port;

	for (const char *p = name; p < end; p++)
		if (isspace((unsigned char)*p) || *p == '/')
			return false;
	if (!last || (first != last && last[-1] != ']'))
		return n > 0;
	return !num_int(slice_make(last + 1, (size_t)(end - last - 1)), 1,
		UINT16_MAX, &port, &ignored);
}

static int
check_brokers(const struct conf *c, const struct conf_prop *p, struct err *e)
{
	const char *name = p->value, *end;
	int n = 0;

	for (; *name; name = end) {
		const char *address = name + strspn(name, " ,");

		name = address;
		end = name + strcspn(name, ",");
		while (end > name && end[-1] == ' ')
			end--;
		if (end == name)
			continue;
		n++;
		if (!skip_protocol(&address, end, protocol_of(c)) ||
		    !is_address(address, end))
			return err_set(e, ERR_USAGE, "'%.*s' from %s is no broker "
				"(it is HOST:PORT, with commas between several)",
				(int)(end - name), name, p->origin);
	}
	return n ? 0 : err_set(e, ERR_USAGE, "'%s' from %s is no broker "
		"(try: localhost:9092)", p->value, p->origin);
}

/* ---- files ------------------------------------------------------------------ */

static bool
uses_tls(const struct conf *c)
{
	const char *protocol = protocol_of(c);
	size_t n = strlen(protocol);

	return n >= 3 && !strcasecmp(protocol + n - 3, "ssl");
}

static int
check_file(const struct conf_prop *p, struct err *e)
{
	static const char *const names[] = {
		"ssl.ca.location", "ssl.certificate.location",
		"ssl.crl.location", "ssl.key.location", "ssl.keystore.location",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(p->name, names[i]) && strcmp(p->value, "probe") &&
		    access(p->value, R_OK))
			return err_errno(e, ERR_USAGE, "cannot read '%s', %s from %s",
				p->value, p->name, p->origin);
	return 0;
}

int
conf_check(const struct conf *c, struct err *e)
{
	for (int i = 0; i < c->props_n; i++) {
		const struct conf_prop *p = &c->props[i];

		if (!strcmp(p->name, "bootstrap.servers") && check_brokers(c, p, e))
			return -1;
		if (uses_tls(c) && check_file(p, e))
			return -1;
	}
	return 0;
}
