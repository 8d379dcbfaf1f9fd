/*
 * A file of -F: pairs in Java's form, which librdkafka's and kcat's files are
 * too. Names are librdkafka's or Java's, each pair by itself.
 */
#include "base/properties.h"
#include "base/xalloc.h"
#include "cli/conf_part.h"

struct pair {
	char *name, *value;
	int line;
};

struct file {
	struct conf_java java; /* first: conf_java hands this back */
	struct pair *pairs;
	int n;
};

static const char *
other(const struct conf_java *j, const char *name)
{
	const struct file *f = (const struct file *)j;
	const char *value = NULL;

	for (int i = 0; i < f->n; i++)
		if (!strcmp(f->pairs[i].name, name))
			value = f->pairs[i].value;
	return value;
}

static void
read_pairs(struct file *f, struct slice text)
{
	struct properties p;
	const char *name, *value;

	properties_init(&p, text);
	while (properties_next(&p, &name, &value)) {
		size_t n = strlen(value);

		/* Kafka's own reader trims values, and so does kcat. */
		while (n && strchr(" \t\r\n", value[n - 1]))
			n--;
		f->pairs = xreallocarray(f->pairs, (size_t)f->n + 1, sizeof(*f->pairs));
		f->pairs[f->n++] = (struct pair){ xstrdup(name), xmemdup0(value, n), p.line };
	}
	properties_release(&p);
}

static int
apply_pair(struct file *f, const struct pair *p, bool exposed, struct err *e)
{
	struct buf origin = BUF_INIT;
	int result = -1;

	buf_addf(&origin, "%s line %d", f->java.path, p->line);
	f->java.origin = buf_cstr(&origin);
	if (!*p->name)
		err_set(e, ERR_USAGE, "no name before the value");
	else if (exposed && *p->value && conf_is_secret(p->name))
		conf_fail_exposed(f->java.path, p->name, e);
	else
		result = conf_java_set(&f->java, p->name, p->value, e);
	if (result > 0)
		conf_set(f->java.conf, p->name, p->value, "%s", f->java.origin);
	if (result < 0)
		err_wrap(e, "'%s' line %d", f->java.path, p->line);
	buf_release(&origin);
	return result < 0 ? -1 : 0;
}

int
conf_properties_load(struct conf *c, const char *path, struct err *e)
{
	struct file f = { .java = { .conf = c, .path = path, .other = other } };
	struct buf text = BUF_INIT;
	bool exposed;
	int result = conf_read(path, &text, &exposed, e);

	if (!result) {
		read_pairs(&f, buf_slice(&text));
		for (int i = 0; i < f.n && !result; i++)
			result = apply_pair(&f, &f.pairs[i], exposed, e);
	}
	for (int i = 0; i < f.n; i++) {
		free(f.pairs[i].name);
		free(f.pairs[i].value);
	}
	free(f.pairs);
	buf_release(&text);
	return result;
}
