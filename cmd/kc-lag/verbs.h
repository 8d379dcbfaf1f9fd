/* verbs.h - what the files of kc-lag share: the options' values, and the verbs. */
#ifndef KC_LAG_VERBS_H
#define KC_LAG_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/conf.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "kafka/client.h"
#include "kafka/group_ops.h"
#include "kafka/lag_check.h"
#include "kafka/lag_measure.h"
#include "kafka/lag_state.h"
#include "model/lag_status.h"

struct args {
	struct conf_args conf;

	/* show */
	struct opt_list groups, topics;
	const char *isolation, *columns, *by, *age, *warn, *critical;
	int64_t age_budget_ms, since_ms; /* since_ms: -1 = not asked */
	bool json, summary, all, burrow, risk, nagios, no_state;
	struct lag_rules rules;
	struct lag_check check;
	struct lag_state state;       /* what earlier runs saw */

	/* show, again and again, or for Prometheus */
	const char *prom, *prom_style, *cluster_name, *serve;
	int64_t watch_ms, fresh_ms;   /* watch_ms: -1 = once */
	bool no_members, no_partitions;

	const char *states;           /* list */
	struct group_options group;

	/* what the verbs work with */
	struct conf settings;
	struct client *client;
	struct out out;
	int timeout_ms;
	struct lag_measure_options measuring;
	bool met;             /* a broker has answered once */
};

#define AT(member) offsetof(struct args, member)

/* Opens the handle that a verb works with, and waits for a broker. */
int open_client(struct args *a, bool committed_only, struct err *e);

/* ---- measure.c ---- */

/*
 * args: struct args. One measuring with ages and verdicts; again and again
 * with the same handle, until that is worn.
 */
int measure(void *args, struct lag_snapshot *s, struct err *e);

/* ---- prom.c ---- */

int write_prom(struct args *a, struct err *e);
int serve_prom(struct args *a, struct err *e);

/* ---- show.c ---- */

extern const struct opt show_options[];

int run_show(void *args, int argc, char **argv, struct err *e);

/* ---- list.c ---- */

extern const struct opt list_options[];

int run_list(void *args, int argc, char **argv, struct err *e);

/* ---- groups.c: groups changed, and looked at ---- */

extern const struct opt reset_options[], import_options[], export_options[],
	delete_options[], peek_options[], wait_options[];

int run_reset(void *args, int argc, char **argv, struct err *e);
int run_import(void *args, int argc, char **argv, struct err *e);
int run_export(void *args, int argc, char **argv, struct err *e);
int run_delete(void *args, int argc, char **argv, struct err *e);
int run_members(void *args, int argc, char **argv, struct err *e);
int run_peek(void *args, int argc, char **argv, struct err *e);
int run_wait(void *args, int argc, char **argv, struct err *e);

#endif
