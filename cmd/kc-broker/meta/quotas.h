/*
 * quotas.h - client quotas (KIP-546): for whom they are, what may be set, and
 * which one counts. They are kept as settings of the kind SETTINGS_QUOTA.
 *
 * An entity names a user, a client id, both, or an address; each by name or
 * as "the default", which is whoever has no quota of his own.
 */
#ifndef META_QUOTAS_H
#define META_QUOTAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

struct meta;

enum quota_type { QUOTA_USER, QUOTA_CLIENT, QUOTA_IP, QUOTA_TYPES };

struct quota_entity {
	bool is_set[QUOTA_TYPES];
	struct slice names[QUOTA_TYPES]; /* null = the default */
};

enum quota_key {
	QUOTA_PRODUCE,    /* producer_byte_rate, bytes/s */
	QUOTA_FETCH,      /* consumer_byte_rate, bytes/s */
	QUOTA_REQUEST,    /* request_percentage, of the loop's time */
	QUOTA_MUTATION,   /* controller_mutation_rate, partitions/s (KIP-599) */
	QUOTA_CONNECTION, /* connection_creation_rate, per s, of an address (KIP-612) */
	QUOTA_KEYS,
};

/* "user", "client-id", "ip" */
const char *quota_type_name(enum quota_type t);
/* -1 = none of them. */
int quota_type_of(struct slice name);
const char *quota_key_name(enum quota_key k);

/* The entity as the name of settings, appended; and back, false when it is none. */
void quota_entity_put(const struct quota_entity *q, struct buf *out);
bool quota_entity_read(struct slice text, struct quota_entity *out);

/* A Kafka error code and *why, static or in the arena. */
int16_t quota_check_entity(const struct quota_entity *q, struct arena *a,
	const char **why);
int16_t quota_check_value(const struct quota_entity *q, struct slice key,
	bool is_removed, double value, struct arena *a, const char **why);

/*
 * The quota of most specific entity that has one, in Kafka's order; 0 = no
 * limit. *who says who shares it, when there is one. QUOTA_CONNECTION is
 * for addresses, the others are not.
 */
double quota_of_client(const struct meta *m, enum quota_key k, struct slice user,
	struct slice client, struct buf *who);
double quota_of_address(const struct meta *m, struct slice address, struct buf *who);

#endif
