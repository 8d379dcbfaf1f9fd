#include "api/client_metrics.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/map.h"
#include "base/num.h"
#include "base/xalloc.h"
#include "broker.h"
#include "coord/regex.h"
#include "meta/meta.h"
#include "meta/settings.h"
#include "net/server.h"

enum {
	INSTANCES_MAX = 16384,       /* clients remembered, as in Kafka */
	FORGOTTEN_MS = 3600000,      /* after which an idle one makes room */
	DEFAULT_INTERVAL_MS = 300000,
};

struct client_metrics {
	struct map instances; /* struct client_instance by id */
};

struct client_metrics *
client_metrics_new(void)
{
	return xcalloc(1, sizeof(struct client_metrics));
}

void
client_metrics_free(struct client_metrics *m)
{
	struct client_instance *c;

	if (!m)
		return;
	for (size_t i = 0; (c = map_next(&m->instances, &i)); )
		free(c);
	map_release(&m->instances);
	free(m);
}

bool
client_metrics_is_on(const struct broker *b)
{
	return !slice_eq_str(slice_str(config_get(b->config, "kc.client.metrics")),
		"none");
}

/* ---- clients -------------------------------------------------------------- */

static void
forget_old(struct client_metrics *m, int64_t now)
{
	struct client_instance *c;

	for (size_t i = 0; (c = map_next(&m->instances, &i)); ) {
		if (c->asked_at > now - FORGOTTEN_MS ||
		    c->pushed_at > now - FORGOTTEN_MS)
			continue;
		map_del(&m->instances, slice_make(c->id.b, sizeof(c->id.b)));
		free(c);
	}
}

struct client_instance *
client_metrics_instance(struct broker *b, const struct uuid *id)
{
	struct client_metrics *m = b->client_metrics;
	struct client_instance *c = map_get(&m->instances,
		slice_make(id->b, sizeof(id->b)));

	if (c)
		return c;
	if (m->instances.len >= INSTANCES_MAX)
		forget_old(m, loop_now(b->loop));
	if (m->instances.len >= INSTANCES_MAX)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	*c = (struct client_instance){ .id = *id, .asked_at = INT64_MIN,
		.pushed_at = INT64_MIN };
	map_put(&m->instances, slice_make(c->id.b, sizeof(c->id.b)), c);
	return c;
}

/* ---- which subscriptions -------------------------------------------------- */

enum match_key { INSTANCE, CLIENT, SOFTWARE, VERSION, ADDRESS, PORT, MATCH_KEYS };

static const char *const match_keys[] = {
	"client_instance_id", "client_id", "client_software_name",
	"client_software_version", "client_source_address", "client_source_port",
};

/* Takes "KEY=PATTERN" off the list: 1, 0 at its end, -1 when it is none. */
static int
next_pattern(struct slice *list, int *key, struct slice *pattern)
{
	struct slice item;
	const char *eq;

	do {
		if (!topic_config_item(list, &item))
			return 0;
	} while (!item.len);
	eq = memchr(item.data, '=', item.len);
	if (!eq)
		return -1;
	*pattern = slice_make(eq + 1, item.len - (size_t)(eq + 1 -
		(const char *)item.data));
	for (*key = 0; *key < MATCH_KEYS; (*key)++)
		if (slice_eq_str(slice_make(item.data, (size_t)(eq -
		    (const char *)item.data)), match_keys[*key]))
			return 1;
	return -1;
}

/* 1 or 0; -1 when it is no pattern. */
static int
matches(struct slice pattern, struct slice text)
{
	struct arena a = { 0 };
	const char *why;
	struct regex *r = regex_new(pattern, &a, &why);
	int result = r ? regex_match(r, text) == 1 : -1;

	if (r)
		regex_free(r);
	arena_release(&a);
	return result;
}

bool
client_metrics_is_match(struct slice list)
{
	struct slice pattern;
	int key, got;

	while ((got = next_pattern(&list, &key, &pattern)) == 1)
		if (matches(pattern, slice_str("")) < 0)
			return false;
	return !got;
}

static bool
is_for(const struct settings *s, const struct slice who[MATCH_KEYS])
{
	struct slice list = settings_get(s, "match"), pattern;
	int key;

	if (!list.data)
		return true;
	while (next_pattern(&list, &key, &pattern) == 1)
		if (matches(pattern, who[key]) != 1)
			return false;
	return true;
}

/* ---- wishes --------------------------------------------------------------- */

static void
describe(struct request *rq, const struct uuid *client, struct slice who[MATCH_KEYS])
{
	const struct conn *c = rq->conn;
	char id[UUID_TEXT], host[INET6_ADDRSTRLEN];

	who[INSTANCE] = arena_copy(&rq->arena, slice_str(uuid_text(client, id)));
	who[CLIENT] = rq->client_id;
	who[SOFTWARE] = slice_str(c && c->software[0] ? c->software[0] : "");
	who[VERSION] = slice_str(c && c->software[1] ? c->software[1] : "");
	who[ADDRESS] = c ? arena_copy(&rq->arena,
		slice_str(address_host(&c->peer, host))) : slice_str("");
	who[PORT] = slice_str(arena_printf(&rq->arena, "%d",
		c ? address_port(&c->peer) : 0));
}

static void
add_names(struct request *rq, struct slice list, struct client_wish *out, int room)
{
	struct slice item;

	while (topic_config_item(&list, &item) && out->names_n < room) {
		if (slice_eq_str(item, "*"))
			item.len = 0; /* "all" on the wire */
		else if (!item.len)
			continue;
		out->names[out->names_n++] = arena_copy(&rq->arena, item);
	}
}

/* Several subscriptions are one wish: all their metrics, the shortest interval. */
void
client_metrics_wish(struct request *rq, const struct uuid *client,
	struct client_wish *out)
{
	enum { NAMES_MAX = 1000 };
	const struct meta *m = rq->broker->meta;
	struct slice who[MATCH_KEYS], text;
	const struct settings *s;
	struct err e = ERR_INIT;
	uint32_t id = 0;
	int64_t ms;

	*out = (struct client_wish){ .interval_ms = DEFAULT_INTERVAL_MS };
	out->names = arena_array(&rq->arena, NAMES_MAX, sizeof(*out->names));
	describe(rq, client, who);
	for (size_t i = 0; (s = meta_settings_next(m, &i)); ) {
		if (s->kind != SETTINGS_CLIENT_METRICS || !is_for(s, who))
			continue;
		text = settings_get(s, "metrics");
		if (text.data)
			add_names(rq, text, out, NAMES_MAX);
		text = settings_get(s, "interval.ms");
		if (text.data && !num_int(text, 1, INT32_MAX, &ms, &e) &&
		    ms < out->interval_ms)
			out->interval_ms = (int32_t)ms;
	}
	/* Order does not matter, subscriptions have none; the same twice does. */
	for (int32_t i = 0; i < out->names_n; i++)
		id += crc32c(1, out->names[i].data, out->names[i].len);
	out->id = (int32_t)(id ^ (uint32_t)out->interval_ms);
}
