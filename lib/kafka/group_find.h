/*
 * group_find.h - groups by name or '^REGEX': what they are, and whether
 * their offsets may be changed.
 */
#ifndef KAFKA_GROUP_FIND_H
#define KAFKA_GROUP_FIND_H

#include "base/err.h"
#include "kafka/groups.h"

/*
 * The groups that the names mean, each once; n 0 = all. A name that no group
 * has is there with the state Dead and the protocol "". Only names are asked
 * for one by one, and then have instance ids. ERR_USAGE: a bad expression.
 */
int group_find(struct client *c, char **names, int n, int timeout_ms,
	struct groups *out, struct err *e);

bool group_exists(const struct group *g);
/*
 * Listed, and neither classic nor of KIP-848: a share group, whose positions
 * the brokers keep, or a streams group (KIP-1071). librdkafka cannot tell.
 */
bool group_is_share(const struct group *g);

/*
 * ERR_REFUSED, naming them, when the group has members: they would commit
 * over what is set; and for a share group. Or the group's why.
 */
int group_check_idle(const struct group *g, struct err *e);

/* "group 'g' does not exist (did you mean 'G'?)" */
int group_missing(const struct groups *l, const char *name, enum err_code code,
	struct err *e);

#endif
