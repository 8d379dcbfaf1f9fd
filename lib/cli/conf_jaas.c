/*
 * sasl.jaas.config of Java clients:
 *
 *	org.apache.kafka.common.security.plain.PlainLoginModule required
 *		username="me" password="pa\"ss";
 */
#include <ctype.h>

#include "cli/conf_part.h"

struct scanner {
	const char *p;
	struct buf word;
};

static void
skip_blanks(struct scanner *s)
{
	while (isspace((unsigned char)*s->p))
		s->p++;
}

/* A quoted text, or everything up to a blank, '=' or ';'. */
static int
next_word(struct scanner *s, const char **out, struct err *e)
{
	char quote;

	buf_clear(&s->word);
	skip_blanks(s);
	quote = *s->p == '"' || *s->p == '\'' ? *s->p++ : '\0';
	while (*s->p && (quote ? *s->p != quote :
	       !isspace((unsigned char)*s->p) && *s->p != '=' && *s->p != ';')) {
		if (quote && *s->p == '\\' && s->p[1])
			s->p++;
		buf_addc(&s->word, *s->p++);
	}
	if (quote && *s->p++ != quote)
		return err_set(e, ERR_USAGE, "sasl.jaas.config has a quote that "
			"does not end");
	*out = buf_cstr(&s->word);
	return 0;
}

static void
set_user(const struct conf_java *j, const char *name, const char *value)
{
	if (!strcmp(name, "username"))
		conf_set(j->conf, "sasl.username", value, "%s", j->origin);
	else if (!strcmp(name, "password"))
		conf_set(j->conf, "sasl.password", value, "%s", j->origin);
}

/* OIDC's client credentials; extension_x="y" pairs go to the broker. */
static void
set_oauth(const struct conf_java *j, const char *name, const char *value)
{
	static const char *const names[][2] = {
		{ "clientId", "sasl.oauthbearer.client.id" },
		{ "clientSecret", "sasl.oauthbearer.client.secret" },
		{ "scope", "sasl.oauthbearer.scope" },
	};
	static const char extension[] = "extension_";
	size_t n = sizeof(extension) - 1;
	const char *old = conf_get(j->conf, "sasl.oauthbearer.extensions");
	struct buf all = BUF_INIT;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i][0]))
			conf_set(j->conf, names[i][1], value, "%s", j->origin);
	if (!strcmp(name, "clientId"))
		conf_set(j->conf, "sasl.oauthbearer.method", "oidc", "%s", j->origin);
	if (strncmp(name, extension, n))
		return;
	buf_addf(&all, "%s%s%s=%s", old ? old : "", old ? "," : "", name + n, value);
	conf_set(j->conf, "sasl.oauthbearer.extensions", buf_cstr(&all), "%s", j->origin);
	buf_release(&all);
}

static const struct {
	const char *module; /* the end of the class name */
	void (*set)(const struct conf_java *j, const char *name, const char *value);
} modules[] = {
	{ ".PlainLoginModule", set_user },
	{ ".ScramLoginModule", set_user },
	{ ".OAuthBearerLoginModule", set_oauth },
};

static int
find_module(const char *class, struct err *e)
{
	for (int i = 0; i < (int)(sizeof(modules) / sizeof(modules[0])); i++) {
		size_t n = strlen(modules[i].module), len = strlen(class);

		if (len >= n && !strcmp(class + len - n, modules[i].module))
			return i;
	}
	return err_set(e, ERR_USAGE, "login module '%s' of sasl.jaas.config is not "
		"supported (Plain, Scram and OAuthBearer are)", class);
}

/* name="value" pairs up to the semicolon. */
static int
read_options(struct scanner *s, const struct conf_java *j, int module, struct err *e)
{
	struct buf name = BUF_INIT;
	const char *word;
	int result = -1;

	for (;;) {
		skip_blanks(s);
		if (!*s->p || *s->p == ';')
			break;
		if (next_word(s, &word, e) < 0)
			goto out;
		buf_clear(&name);
		buf_addstr(&name, word);
		skip_blanks(s);
		if (*s->p != '=' || !name.len) {
			err_set(e, ERR_USAGE, "sasl.jaas.config wants name=\"value\" "
				"at '%s'", word);
			goto out;
		}
		s->p++;
		if (next_word(s, &word, e) < 0)
			goto out;
		modules[module].set(j, buf_cstr(&name), word);
	}
	result = 0;
out:
	buf_release(&name);
	return result;
}

int
conf_jaas_set(const struct conf_java *j, const char *text, struct err *e)
{
	struct scanner s = { text, BUF_INIT };
	const char *word;
	int result = -1, module;

	if (next_word(&s, &word, e) < 0)
		goto out;
	module = find_module(word, e);
	if (module < 0 || next_word(&s, &word, e) < 0) /* "required" */
		goto out;
	result = read_options(&s, j, module, e);
out:
	buf_release(&s.word);
	return result;
}
