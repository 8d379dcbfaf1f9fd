/*
 * config_alter.h - what AlterConfigs and IncrementalAlterConfigs have in
 * common: the same operations on the same resources, as one append.
 */
#ifndef API_CONFIG_ALTER_H
#define API_CONFIG_ALTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct request;

/* IncrementalAlterConfigsRequest.ConfigOperation */
enum { CONFIG_OP_SET, CONFIG_OP_DELETE, CONFIG_OP_APPEND, CONFIG_OP_SUBTRACT };

struct config_op {
	struct slice name, value;
	int op;
};

/* One resource: what is asked, and how it went. */
struct config_alteration {
	int8_t type;
	struct slice name;   /* in the arena */
	struct config_op *ops;
	int ops_n;
	int16_t error;
	struct slice message; /* null without an error */
};

/* Lives in the request's arena. */
struct config_alter {
	struct config_alteration *items;
	int n;
	bool replace;        /* what is not given is dropped; operations are all SET */
	bool validate_only;
	/* Writes the reply, when all is on disk. */
	void (*write)(struct request *rq, const struct config_alter *all);
};

struct config_alter *config_alter_new(struct request *rq, int32_t n);
/* Room for its operations. */
void config_alter_resource(struct request *rq, struct config_alteration *item,
	int8_t type, struct slice name, int32_t ops_n);
/* Acts, and answers by `write`. */
void config_alter_run(struct request *rq, struct config_alter *all);

#endif
