/*
 * names.c - what a topic may be called, and where its replicas may be.
 */
#include <inttypes.h>

#include "meta/state.h"
#include "wire/errors.h"

bool
meta_is_internal(struct slice name)
{
	return slice_eq_str(name, "__consumer_offsets") ||
		slice_eq_str(name, "__transaction_state");
}

int16_t
meta_check_name(struct slice name, const char **why)
{
	const unsigned char *p = name.data;

	*why = NULL;
	if (!name.len)
		*why = "Topic name is invalid: the empty string is not allowed";
	else if (slice_eq_str(name, ".") || slice_eq_str(name, ".."))
		*why = "Topic name is invalid: '.' and '..' are not allowed";
	else if (name.len > META_MAX_NAME)
		*why = "Topic name is invalid: it is longer than the max "
			"allowed length 249";
	for (size_t i = 0; !*why && i < name.len; i++) {
		if ((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') ||
		    (p[i] >= '0' && p[i] <= '9') || p[i] == '.' ||
		    p[i] == '_' || p[i] == '-')
			continue;
		*why = "Topic name is invalid: it contains one or more "
			"characters other than ASCII alphanumerics, '.', '_' and '-'";
	}
	return *why ? KERR_INVALID_TOPIC_EXCEPTION : 0;
}

int16_t
meta_check_replicas(const int32_t *ids, int n, int32_t node_id, struct arena *a,
	const char **why)
{
	*why = NULL;
	if (!n)
		*why = "The manual partition assignment includes an empty "
			"replica list.";
	for (int i = 0; i < n && !*why; i++) {
		if (ids[i] != node_id)
			*why = arena_printf(a, "The manual partition assignment "
				"includes broker %" PRId32 ", but no such broker "
				"is registered.", ids[i]);
		else if (i)
			*why = arena_printf(a, "The manual partition assignment "
				"includes the broker %" PRId32 " more than once.",
				ids[i]);
	}
	return *why ? KERR_INVALID_REPLICA_ASSIGNMENT : 0;
}

