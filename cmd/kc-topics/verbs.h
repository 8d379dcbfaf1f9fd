/* verbs.h - what the files of kc-topics share: the options' values, and the verbs. */
#ifndef KC_TOPICS_VERBS_H
#define KC_TOPICS_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/conf.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "kafka/admin.h"
#include "kafka/client.h"
#include "model/offset.h"

struct args {
	struct conf_args conf;
	struct opt_list configs;
	int64_t partitions, replicas; /* -1 = not given */
	const char *where;            /* -o of trim */
	bool json, all, dry_run, yes, if_exists, if_not_exists;

	/* what the verbs work with */
	struct client *client;
	struct out out;
	int timeout_ms;
	struct admin_change *changes; /* of -c */
	char **change_texts;          /* what changes point into */
	struct offset_range range;    /* of where */
	bool shown;                   /* show: a topic is printed already */
};

#define AT(member) offsetof(struct args, member)

/* ---- list.c ---- */

extern const struct opt list_options[], show_options[];

int run_list(void *args, int argc, char **argv, struct err *e);
int run_show(void *args, int argc, char **argv, struct err *e);

/* ---- change.c ---- */

extern const struct opt create_options[], delete_options[], alter_options[];

int run_create(void *args, int argc, char **argv, struct err *e);
int run_delete(void *args, int argc, char **argv, struct err *e);
int run_alter(void *args, int argc, char **argv, struct err *e);

/* a->changes of -c NAME=VALUE, and NAME- where configs can be unset. */
int parse_changes(struct args *a, bool may_unset, struct err *e);
void release_changes(struct args *a);

/* ---- trim.c ---- */

extern const struct opt trim_options[];

/* What can be wrong before anything is asked. */
int check_trim(struct args *a, struct err *e);
int run_trim(void *args, int argc, char **argv, struct err *e);

#endif
