#include "api/features.h"

/*
 * Sorted by name. Only what changes a client's ways is here: Kafka's own
 * formats (metadata.version, kraft.version) mean nothing to anybody else.
 */
const struct feature *
features(int *n)
{
	static const struct feature all[] = {
		{ "group.version", 0, 1, 1 },        /* KIP-848 */
		{ "transaction.version", 0, 2, 2 },  /* KIP-890 */
	};

	*n = (int)(sizeof(all) / sizeof(all[0]));
	return all;
}
