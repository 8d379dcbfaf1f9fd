/*
 * dynamic.c - properties of the broker that are set while it runs: from the
 * metadata log into the configuration, and to those who keep copies.
 */
#include <inttypes.h>
#include <stdio.h>

#include "broker.h"
#include "log.h"
#include "meta/meta.h"
#include "meta/settings.h"
#include "net/server.h"

/* All brokers' settings have no name, this one's has its number. */
static void
apply(void *arg, struct slice name)
{
	struct broker *b = arg;
	enum config_layer layer = name.len ? CONFIG_NODE : CONFIG_CLUSTER;
	const struct settings *s = meta_settings(b->meta, SETTINGS_BROKER, name);
	char own[16];
	int n;
	const struct config_key *k = config_keys(&n);

	snprintf(own, sizeof(own), "%" PRId32, b->node_id);
	if (name.len && !slice_eq_str(name, own))
		return;
	for (int i = 0; i < n; i++) {
		struct slice value = settings_get(s, k[i].name);
		struct err e = ERR_INIT;

		if (value.data && config_check(&k[i], value, &e)) {
			log_warn("a setting is ignored: property '%s': %s",
				k[i].name, e.msg);
			value = SLICE_NULL;
		}
		config_override(b->config, layer, k[i].name, value.data);
	}
	meta_defaults_changed(b->meta);
	server_limits(b->server);
}

void
broker_watch_settings(struct broker *b)
{
	meta_on_settings(b->meta, SETTINGS_BROKER, apply, b);
}
