/* committed.h - the offsets that OffsetCommit and TxnOffsetCommit bring. */
#ifndef API_COMMITTED_H
#define API_COMMITTED_H

#include "base/slice.h"
#include "base/uuid.h"
#include "coord/groups.h"

struct request;

/*
 * `c` has what the client says: partition, leader epoch, offset, metadata.
 * The topic is named by its id, or where that is NULL by its name. The error
 * is that of the partition: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION.
 */
struct groups_offset committed_offset(const struct request *rq,
	const struct uuid *id, struct slice name, struct committed c);

#endif
