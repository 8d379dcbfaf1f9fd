#include "kafka/cause.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The first that matches counts: texts about one thing hint at others. */
static const struct {
	const char *part;   /* in librdkafka's text */
	enum cause_kind kind;
	const char *from;   /* the cause stands behind this, NULL = at the start */
	const char *until;  /* and ends in front of this, NULL = at the end */
	const char *prefix; /* put in front of it */
} shapes[] = {
	{ "Disconnected while requesting ApiVersion", CAUSE_PROTOCOL, NULL, ": ", "" },
	{ "Disconnected", CAUSE_CONNECT, NULL, ": ", "" },
	{ "Failed to resolve", CAUSE_RESOLVE, "': ", NULL, "cannot resolve the name: " },
	{ "SSL handshake failed: ", CAUSE_TLS, "handshake failed: ", NULL,
		"TLS handshake failed: " },
	{ "SSL", CAUSE_TLS, NULL, NULL, "" },
	{ "ssl.ca.location", CAUSE_TLS, NULL, NULL, "" },
	{ "SASL", CAUSE_AUTH, NULL, NULL, "" },
	{ "Connect to ", CAUSE_CONNECT, " failed: ", NULL, "" },
};

/* "ssl://host:9092/bootstrap: text" into the broker's name and the text. */
static const char *
split_broker(struct cause *c, const char *text)
{
	const char *end = strstr(text, ": "), *proto = strstr(text, "://");
	size_t n;

	if (!end)
		return text;
	/* "GroupCoordinator: host:9092: text" */
	if (!memchr(text, ':', (size_t)(end - text)) && strstr(end + 2, ": ")) {
		text = end + 2;
		end = strstr(text, ": ");
	}
	if (proto && proto < end) {
		c->tls = proto - text >= 3 && !strncmp(proto - 3, "ssl", 3);
		text = proto + 3;
	}
	n = strcspn(text, "/");
	if (n > (size_t)(end - text))
		n = (size_t)(end - text);
	snprintf(c->broker, sizeof(c->broker), "%.*s", (int)n, text);
	return end + 2;
}

/* OpenSSL's "error:0A000086:SSL routines::" says nothing to people. */
static const char *
skip_openssl(const char *why)
{
	const char *p;

	if (strncmp(why, "error:", 6))
		return why;
	p = strstr(why, "::");
	return p ? p + 2 : why;
}

/* Names like "SASL" and "SSL" stay, "Connection refused" is made small. */
static void
lower_first(char *s)
{
	if (isupper((unsigned char)s[0]) && !isupper((unsigned char)s[1]))
		s[0] = (char)tolower((unsigned char)s[0]);
}

void
cause_parse(struct cause *c, const char *text)
{
	const char *why = split_broker(c, text), *prefix = "", *mark;
	const char *end = strstr(why, " (after ");

	if (!end)
		end = why + strlen(why);
	c->kind = CAUSE_CONNECT;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		if (!strstr(why, shapes[i].part))
			continue;
		c->kind = shapes[i].kind;
		prefix = shapes[i].prefix;
		mark = shapes[i].from ? strstr(why, shapes[i].from) : NULL;
		if (mark)
			why = mark + strlen(shapes[i].from);
		why = skip_openssl(why);
		mark = shapes[i].until ? strstr(why, shapes[i].until) : NULL;
		if (mark && mark < end)
			end = mark;
		break;
	}
	while (end > why && (end[-1] == ' ' || end[-1] == ':'))
		end--;
	snprintf(c->why, sizeof(c->why), "%s%.*s", prefix, (int)(end - why), why);
	lower_first(c->why + strlen(prefix));
}

/* A clear no: wrong password, a certificate that is not trusted, a port without TLS. */
bool
cause_is_final(const struct cause *c)
{
	return c->kind == CAUSE_AUTH ||
		(c->kind == CAUSE_TLS && (strstr(c->why, "certificate") ||
		strstr(c->why, "version number") || strstr(c->why, "alert")));
}

static bool
is_local(const char *broker)
{
	return !strncmp(broker, "localhost:", 10) ||
		!strncmp(broker, "127.", 4) || !strncmp(broker, "[::1]:", 6);
}

int
cause_error(const struct cause *c, struct err *e)
{
	const char *remedy;
	enum err_code code = ERR_TEMPORARY;

	switch (c->kind) {
	case CAUSE_RESOLVE:
		remedy = "is the name right? see --brokers";
		break;
	case CAUSE_PROTOCOL:
		remedy = c->tls ? "is it a broker's port?" :
			"is it a TLS port? try -X security.protocol=ssl";
		break;
	case CAUSE_TLS:
		remedy = strstr(c->why, "certificate") ?
			"is its certificate for this name, and signed by the "
			"CA of -X ssl.ca.location?" :
			"is it a TLS port? see -X security.protocol";
		if (cause_is_final(c))
			code = strstr(c->why, "version number") ?
				ERR_USAGE : ERR_REFUSED;
		break;
	case CAUSE_AUTH:
		remedy = "check sasl.mechanisms, sasl.username and the password";
		code = ERR_REFUSED;
		break;
	case CAUSE_NONE:
		return err_set(e, ERR_TEMPORARY,
			"no broker answered in time (raise --timeout?)");
	default:
		/* A broker that wants a password cuts off who says nothing. */
		remedy = !strcmp(c->why, "disconnected") ?
			"is it running? are security.protocol and sasl.* right?" :
			is_local(c->broker) ? "is it running? try: kc-broker" :
			"is it running? is the address right? see --brokers";
	}
	return err_set(e, code, "cannot reach broker '%s': %s (%s)", c->broker,
		c->why, remedy);
}
