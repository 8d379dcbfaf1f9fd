#include "meta/settings.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "meta/meta_log.h"
#include "meta/state.h"
#include "wire/errors.h"

/* ---- the set of one thing ------------------------------------------------- */

struct settings *
settings_new(enum settings_kind kind, struct slice name)
{
	struct settings *s = xcalloc(1, sizeof(*s));
	char *key = xmalloc(name.len + 2);

	key[0] = (char)kind;
	if (name.len)
		memcpy(key + 1, name.data, name.len);
	key[name.len + 1] = '\0';
	s->kind = kind;
	s->name = slice_make(key + 1, name.len);
	return s;
}

/* What it is found by: a byte for the kind, then the name. */
static struct slice
settings_key(const struct settings *s)
{
	return slice_make((const char *)s->name.data - 1, s->name.len + 1);
}

void
settings_put(struct settings *s, struct slice key, struct slice value)
{
	struct setting *v = xmalloc(sizeof(*v) + key.len + value.len + 2);
	char *text = (char *)(v + 1);

	memcpy(text, key.data, key.len);
	text[key.len] = '\0';
	v->key = slice_make(text, key.len);
	text += key.len + 1;
	if (value.len)
		memcpy(text, value.data, value.len);
	text[value.len] = '\0';
	v->value = slice_make(text, value.len);
	free(map_del(&s->values, key));
	map_put(&s->values, v->key, v);
}

void
settings_free(struct settings *s)
{
	struct setting *v;

	if (!s)
		return;
	for (size_t i = 0; (v = map_next(&s->values, &i)); )
		free(v);
	map_release(&s->values);
	free((char *)(uintptr_t)s->name.data - 1);
	free(s);
}

/* ---- all of them ---------------------------------------------------------- */

static struct settings *
find(const struct meta *m, enum settings_kind kind, struct slice name)
{
	struct settings *probe = settings_new(kind, name);
	struct settings *s = map_get(&m->settings, settings_key(probe));

	settings_free(probe);
	return s;
}

const struct settings *
meta_settings(const struct meta *m, enum settings_kind kind, struct slice name)
{
	return m->settings_n[kind] ? find(m, kind, name) : NULL;
}

struct slice
settings_get(const struct settings *s, const char *key)
{
	const struct setting *v = s ? map_get(&s->values, slice_str(key)) : NULL;

	return v ? v->value : SLICE_NULL;
}

const struct settings *
meta_settings_next(const struct meta *m, size_t *i)
{
	return map_next(&m->settings, i);
}

int
meta_settings_count(const struct meta *m, enum settings_kind kind)
{
	return m->settings_n[kind];
}

static void
fire(struct meta *m, enum settings_kind kind, struct slice name)
{
	for (struct settings_hook *h = m->settings_hooks; h; h = h->next)
		if (h->kind == kind)
			h->fn(h->arg, name);
}

/* Takes s; one without values takes away what was there. */
void
settings_apply(struct meta *m, struct settings *s)
{
	struct settings *old = map_del(&m->settings, settings_key(s));

	m->settings_n[s->kind] -= old != NULL;
	settings_free(old);
	if (s->values.len) {
		map_put(&m->settings, settings_key(s), s);
		m->settings_n[s->kind]++;
	}
	fire(m, s->kind, s->name);
	if (!s->values.len)
		settings_free(s);
}

void
settings_forget(struct meta *m)
{
	struct settings *s;

	for (size_t i = 0; (s = map_next(&m->settings, &i)); )
		settings_free(s);
	map_release(&m->settings);
	memset(m->settings_n, 0, sizeof(m->settings_n));
}

/* The set as it will be. */
static struct settings *
changed(const struct meta *m, enum settings_kind kind, struct slice name,
	const struct config_change *changes, int n)
{
	const struct settings *old = meta_settings(m, kind, name);
	struct settings *s = settings_new(kind, name);
	const struct setting *v;

	for (size_t i = 0; old && (v = map_next(&old->values, &i)); )
		settings_put(s, v->key, v->value);
	for (int i = 0; i < n; i++) {
		if (slice_is_null(changes[i].value))
			free(map_del(&s->values, changes[i].name));
		else
			settings_put(s, changes[i].name, changes[i].value);
	}
	return s;
}

static int16_t
check_room(const struct meta *m, const struct settings *s,
	const struct config_change *changes, int n, const char **why)
{
	for (int i = 0; i < n; i++)
		if (changes[i].value.len > SETTING_VALUE_MAX) {
			*why = "a value is longer than 32 KiB";
			return KERR_INVALID_REQUEST;
		}
	if (m->settings.len < SETTINGS_MAX || !s->values.len ||
	    map_get(&m->settings, settings_key(s)))
		return 0;
	*why = "kc-broker keeps settings of at most 10000 groups, quota entities "
		"and subscriptions (delete some)";
	return KERR_POLICY_VIOLATION;
}

int16_t
meta_alter_settings(struct meta *m, enum settings_kind kind, struct slice name,
	const struct config_change *changes, int n, uint64_t *commit,
	const char **why)
{
	struct settings *s = changed(m, kind, name, changes, n);
	int16_t error = check_room(m, s, changes, n, why);
	bool is_alone;

	*commit = 0;
	if (error) {
		settings_free(s);
		return error;
	}
	is_alone = meta_alone(m);
	meta_change(m, CHANGE_SETTINGS, NULL)->settings = s;
	meta_log_put_settings(&m->batch, clock_wall_ms(m->clock), s);
	return meta_finish(m, is_alone, commit, why);
}

void
meta_on_settings(struct meta *m, enum settings_kind kind,
	void (*fn)(void *arg, struct slice name), void *arg)
{
	struct settings_hook *h = xcalloc(1, sizeof(*h));
	const struct settings *s;

	*h = (struct settings_hook){ m->settings_hooks, kind, fn, arg };
	m->settings_hooks = h;
	for (size_t i = 0; (s = map_next(&m->settings, &i)); )
		if (s->kind == kind)
			fn(arg, s->name);
}
