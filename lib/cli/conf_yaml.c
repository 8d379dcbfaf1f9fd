/*
 * The configuration file: a tree of known shape, walked by tables. All of it
 * is checked, also the profiles that are not asked for; files, commands and
 * variables that hold secrets are read for the chosen profile only.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/near.h"
#include "base/xalloc.h"
#include "cli/conf_part.h"
#include "cli/yaml.h"

struct reader {
	struct conf *conf;
	const char *path;
	bool exposed;
	const char *profile;   /* wanted, or NULL */
	const struct yaml *chosen; /* its node, once seen */
	struct near near;      /* the profile most like the one wanted */
	char origin[PATH_MAX + 128]; /* of what is being applied */
};

typedef int visit_fn(struct reader *r, const char *key, const struct yaml *value,
	bool apply, struct err *e);

struct key {
	const char *name;
	visit_fn *visit;
};

/* Neither a map nor a list. */
static int
want_text(const struct reader *r, const struct yaml *n, const char *what,
	const char **out, struct err *e)
{
	*out = n->text;
	return *out ? 0 : yaml_fail(r->path, n->line, e, "'%s' wants a text", what);
}

static int
unknown_key(struct reader *r, const struct yaml *n, const struct key *keys,
	struct err *e)
{
	struct near near = near_init(slice_str(n->name));

	for (; keys->name; keys++)
		near_offer(&near, keys->name);
	if (near.name)
		return yaml_fail(r->path, n->name_line, e, "unknown key '%s' "
			"(did you mean '%s'?)", n->name, near.name);
	return yaml_fail(r->path, n->name_line, e, "unknown key '%s' (see "
		"kc.conf(5))", n->name);
}

/*
 * Visits every pair of a map: by the key's own row, or by `any` for all keys.
 */
static int
walk_map(struct reader *r, const char *what, const struct yaml *map,
	const struct key *keys, visit_fn *any, bool apply, struct err *e)
{
	if (yaml_is_nothing(map))
		return 0;
	if (map->kind != YAML_MAP)
		return yaml_fail(r->path, map->line, e, "'%s' wants 'name: value' "
			"lines", what);
	for (const struct yaml *n = map->first; n; n = n->next) {
		const struct key *k = keys;

		while (k && k->name && strcmp(k->name, n->name))
			k++;
		if (k && !k->name)
			return unknown_key(r, n, keys, e);
		if ((k ? k->visit : any)(r, n->name, n, apply, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- values of properties --------------------------------------------------- */

/* "~/x" is at home, "x" is beside the configuration file. */
static void
resolve_path(const struct reader *r, const char *text, struct buf *out)
{
	const char *home = getenv("HOME"), *slash = strrchr(r->path, '/');

	if (home && !strncmp(text, "~/", 2))
		buf_addf(out, "%s%s", home, text + 1);
	else if (*text != '/' && slash)
		buf_addf(out, "%.*s/%s", (int)(slash - r->path), r->path, text);
	else
		buf_addstr(out, text);
	buf_cstr(out);
}

static void
trim_newline(struct buf *b)
{
	while (b->len && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == '\r'))
		b->len--;
}

static int
value_of_file(struct reader *r, const char *name, const struct yaml *n, const char *text,
	struct buf *out, struct err *e)
{
	struct buf path = BUF_INIT;
	bool exposed;
	int result;

	resolve_path(r, text, &path);
	result = conf_read((const char *)path.data, out, &exposed, e);
	if (result < 0) {
		e->code = ERR_USAGE;
		err_wrap(e, "'%s' line %d", r->path, n->line);
	} else if (exposed && conf_is_secret(name)) {
		result = conf_fail_exposed((const char *)path.data, name, e);
	}
	buf_release(&path);
	return result;
}

static int
value_of_command(struct reader *r, const char *name, const struct yaml *n, const char *text,
	struct buf *out, struct err *e)
{
	FILE *f = popen(text, "re");
	size_t got = 1;
	int status;

	if (!f)
		return err_errno(e, ERR_USAGE, "cannot run the command of '%s'", name);
	while (got) {
		got = fread(buf_reserve(out, 4096), 1, 4096, f);
		out->len += got;
	}
	status = pclose(f);
	if (status)
		return yaml_fail(r->path, n->line, e, "the command of '%s' failed with status %d",
			name, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}

static int
value_of_env(struct reader *r, const char *name, const struct yaml *n, const char *text,
	struct buf *out, struct err *e)
{
	const char *value = getenv(text);

	if (!value)
		return yaml_fail(r->path, n->line, e, "the variable $%s of '%s' is not set", text, name);
	buf_addstr(out, value);
	return 0;
}

/* { file: PATH }, { command: TEXT } or { env: NAME }. */
static int
indirect_value(struct reader *r, const char *name, const struct yaml *map, bool apply,
	struct buf *out, struct err *e)
{
	static const struct {
		const char *key;
		int (*get)(struct reader *r, const char *name, const struct yaml *n,
			const char *text, struct buf *out, struct err *e);
	} ways[] = {
		{ "file", value_of_file },
		{ "command", value_of_command },
		{ "env", value_of_env },
	};
	const struct yaml *n = map->first;
	const char *text;

	if (map->n != 1)
		return yaml_fail(r->path, map->line, e, "'%s' wants one of file, command, env", name);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(n->name, ways[i].key))
			continue;
		if (want_text(r, n, n->name, &text, e) < 0)
			return -1;
		if (apply && ways[i].get(r, name, n, text, out, e) < 0)
			return -1;
		trim_newline(out);
		return 0;
	}
	return yaml_fail(r->path, n->name_line, e, "'%s' wants one of file, command, env", name);
}

/* A list is what librdkafka writes with commas. */
static int
list_value(struct reader *r, const char *name, const struct yaml *seq, struct buf *out,
	struct err *e)
{
	for (const struct yaml *n = seq->first; n; n = n->next) {
		const char *text;

		if (want_text(r, n, name, &text, e) < 0)
			return -1;
		buf_addf(out, "%s%s", out->len ? "," : "", text);
	}
	return 0;
}

static int
visit_property(struct reader *r, const char *name, const struct yaml *n, bool apply,
	struct err *e)
{
	struct buf value = BUF_INIT;
	const char *text;
	int result = -1;

	if (n->kind == YAML_MAP) {
		if (indirect_value(r, name, n, apply, &value, e) < 0)
			goto out;
	} else if (n->kind == YAML_LIST) {
		if (list_value(r, name, n, &value, e) < 0)
			goto out;
	} else {
		if (want_text(r, n, name, &text, e) < 0)
			goto out;
		buf_addstr(&value, text);
		if (r->exposed && value.len && conf_is_secret(name)) {
			conf_fail_exposed(r->path, name, e);
			goto out;
		}
	}
	if (apply)
		conf_set(r->conf, name, buf_cstr(&value), "%s", r->origin);
	result = 0;
out:
	buf_release(&value);
	return result;
}

/* ---- the tree --------------------------------------------------------------- */

static int
visit_brokers(struct reader *r, const char *key, const struct yaml *n, bool apply,
	struct err *e)
{
	(void)key;
	return visit_property(r, "bootstrap.servers", n, apply, e);
}

static int
visit_properties(struct reader *r, const char *key, const struct yaml *n, bool apply,
	struct err *e)
{
	return walk_map(r, key, n, NULL, visit_property, apply, e);
}

static int
visit_properties_file(struct reader *r, const char *key, const struct yaml *n, bool apply,
	struct err *e)
{
	struct buf path = BUF_INIT;
	const char *text;
	int result = 0;

	if (want_text(r, n, key, &text, e) < 0)
		return -1;
	resolve_path(r, text, &path);
	if (apply)
		result = conf_properties_load(r->conf, (const char *)path.data, e);
	if (result < 0) {
		e->code = ERR_USAGE;
		err_wrap(e, "'%s' line %d", r->path, n->line);
	}
	buf_release(&path);
	return result;
}

/* TOPICS: a path, or a list of them. */
static int
visit_masked(struct reader *r, const char *topics, const struct yaml *n, bool apply,
	struct err *e)
{
	struct buf paths = BUF_INIT;
	const char *text;
	int result = -1;

	if (n->kind == YAML_LIST) {
		if (list_value(r, topics, n, &paths, e) < 0)
			goto out;
	} else {
		if (want_text(r, n, topics, &text, e) < 0)
			goto out;
		buf_addstr(&paths, text);
	}
	if (apply)
		conf_add_redact(r->conf, topics, buf_cstr(&paths), n->line,
			r->origin);
	result = 0;
out:
	buf_release(&paths);
	return result;
}

static int
visit_redact(struct reader *r, const char *key, const struct yaml *n, bool apply,
	struct err *e)
{
	return walk_map(r, key, n, NULL, visit_masked, apply, e);
}

static const struct key profile_keys[] = {
	{ "brokers", visit_brokers },
	{ "properties", visit_properties },
	{ "properties_file", visit_properties_file },
	{ "redact", visit_redact },
	{ NULL, NULL },
};

static int
visit_profile(struct reader *r, const char *name, const struct yaml *n, bool apply,
	struct err *e)
{
	(void)apply;
	if (r->profile && !strcmp(r->profile, name))
		r->chosen = n;
	if (r->profile)
		near_offer(&r->near, name);
	return walk_map(r, name, n, profile_keys, NULL, false, e);
}

static int
visit_profiles(struct reader *r, const char *key, const struct yaml *n, bool apply,
	struct err *e)
{
	return walk_map(r, key, n, NULL, visit_profile, apply, e);
}

static int
visit_default_profile(struct reader *r, const char *key, const struct yaml *n, bool apply,
	struct err *e)
{
	const char *text;

	(void)apply;
	if (want_text(r, n, key, &text, e) < 0)
		return -1;
	if (!r->profile)
		r->profile = text;
	return 0;
}

static int
skip(struct reader *r, const char *key, const struct yaml *n, bool apply, struct err *e)
{
	(void)r, (void)key, (void)n, (void)apply, (void)e;
	return 0;
}

/* default_profile may stand behind profiles: it is looked for first. */
static const struct key first_pass[] = {
	{ "default_profile", visit_default_profile },
	{ "brokers", visit_brokers },
	{ "properties", visit_properties },
	{ "properties_file", visit_properties_file },
	{ "redact", visit_redact },
	{ "profiles", skip },
	{ NULL, NULL },
};
static const struct key second_pass[] = {
	{ "default_profile", skip },
	{ "brokers", skip },
	{ "properties", skip },
	{ "properties_file", skip },
	{ "redact", skip },
	{ "profiles", visit_profiles },
	{ NULL, NULL },
};

static int
apply(struct reader *r, const struct yaml *root, struct err *e)
{
	snprintf(r->origin, sizeof(r->origin), "%s", r->path);
	if (root && walk_map(r, "file", root, first_pass, NULL, true, e) < 0)
		return -1;
	r->near = near_init(slice_str(r->profile));
	if (root && walk_map(r, "file", root, second_pass, NULL, false, e) < 0)
		return -1;
	if (!r->profile)
		return 0;
	if (!r->chosen)
		return err_set(e, ERR_USAGE, "there is no profile '%s' in '%s'%s%s%s",
			r->profile, r->path, r->near.name ? " (did you mean '" : "",
			r->near.name ? r->near.name : "", r->near.name ? "'?)" : "");
	snprintf(r->origin, sizeof(r->origin), "profile '%s' of %s", r->profile, r->path);
	return walk_map(r, r->profile, r->chosen, profile_keys, NULL, true, e);
}

int
conf_yaml_load(struct conf *c, const char *path, const char *profile, struct err *e)
{
	struct reader r = { .conf = c, .path = path, .profile = profile };
	struct arena memory = { 0 };
	struct buf text = BUF_INIT;
	const struct yaml *root;
	int result = -1;

	if (!conf_read(path, &text, &r.exposed, e) &&
	    !yaml_read(&memory, path, buf_slice(&text), &root, e))
		result = apply(&r, root, e);
	arena_release(&memory);
	buf_release(&text);
	return result;
}

int
conf_yaml_profiles(const char *path, struct buf *out, struct err *e)
{
	struct arena memory = { 0 };
	struct buf text = BUF_INIT;
	const struct yaml *root, *n;
	bool exposed;
	int result = -1;

	if (!conf_read(path, &text, &exposed, e) &&
	    !yaml_read(&memory, path, buf_slice(&text), &root, e))
		result = 0;
	for (n = !result && root ? root->first : NULL; n; n = n->next)
		if (n->name && !strcmp(n->name, "profiles"))
			break;
	for (n = n ? n->first : NULL; n; n = n->next)
		if (n->name)
			buf_addf(out, "%s\n", n->name);
	arena_release(&memory);
	buf_release(&text);
	return result;
}
