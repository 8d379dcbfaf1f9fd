/* verbs.h - what the files of kc-dlq share: the options' values, and the verbs. */
#ifndef KC_DLQ_VERBS_H
#define KC_DLQ_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/conf.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "kafka/dlq.h"
#include "kafka/dlq_rules.h"
#include "model/dlq_select.h"
#include "model/redact.h"

struct redrive_edits;

struct args {
	struct conf_args conf;
	/* what is selected */
	struct opt_list groups, classes, messages, stages, kinds, schemes,
		origins, keys, headers, since, until, wheres, states, redactions;
	const char *ledger, *note, *run_name, *resume;
	struct redact redact;
	bool json, json_values, dry_run, yes, assume_none, no_redact, gone;

	/* redrive */
	const char *to, *to_cluster, *rate, *order, *plan, *from, *eos, *timestamp, *abort_if_returned, *via, *check,
		*if_newer, *payload;
	struct opt_list shape, max_lags;
	int64_t limit, max_redrives, canary, watch_ms, ramp_ms;

	/* apply: the file, and the rule that is being applied */
	const char *rules, *rule;

	/* purge, capture */
	const char *before, *archive, *mean, *breaker, *spill, *ack, *commit_group;
	bool purge_all;

	/* ls, groups, list, show, export, check */
	const char *by, *locate, *locate_since, *max_rate;
	int64_t sample, max_open, max_age_ms;
	bool all;

	/* what the verbs work with */
	const struct conf *settings;
	struct conf to_conf;         /* of to_cluster */
	struct out out;
	int timeout_ms;
	int64_t now_ms;
	struct dlq_select select;
	struct dlq dlq;
	struct progress progress;
	const struct redrive_plan *planned; /* of --from */
	struct redrive_edits *edits; /* under way; told of what the ledger has */
};

#define AT(member) offsetof(struct args, member)

/* ERR_USAGE when there is no first argument, the dead-letter topic. */
int want_dlq(int argc, struct err *e);
/* What is selected: by the options, and by arguments like 0:5-9. */
int read_selection(struct args *a, int argc, char **argv, struct err *e);
struct dlq_options dlq_options(const struct args *a, const char *topic, bool write);
int open_dlq(struct args *a, const char *topic, bool write, struct err *e);

/*
 * Redrives what a->select and the options say, or these copies; tells what
 * was done. Opens the topic anew.
 */
int redrive_selected(struct args *a, const char *topic,
	struct redrive_edits *edits, struct err *e);
/* The same for a row of the verbs that put into a state: "discard", "park". */
int mark_selected(struct args *a, const char *topic, const char *verb, struct err *e);

/* ---- redrive.c ---- */

extern const struct opt redrive_options[], import_options[], decide_options[];

int run_redrive(void *args, int argc, char **argv, struct err *e);

/* ---- mark.c ---- */

extern const struct opt mark_options[], note_options[];

int run_discard(void *args, int argc, char **argv, struct err *e);
int run_park(void *args, int argc, char **argv, struct err *e);
int run_restore(void *args, int argc, char **argv, struct err *e);
int run_note(void *args, int argc, char **argv, struct err *e);

/* ---- upkeep.c ---- */

extern const struct opt purge_options[], rebuild_options[];

int run_purge(void *args, int argc, char **argv, struct err *e);
int run_rebuild(void *args, int argc, char **argv, struct err *e);
int run_runs(void *args, int argc, char **argv, struct err *e);

/* ---- apply.c ---- */

extern const struct opt apply_options[];

/* A file of rules; "-" = stdin. Released in any case. */
int read_rules(const struct args *a, const char *path, struct dlq_rules *rules,
	struct err *e);
int run_apply(void *args, int argc, char **argv, struct err *e);

/* ---- edit.c ---- */

int run_import(void *args, int argc, char **argv, struct err *e);
int run_edit(void *args, int argc, char **argv, struct err *e);

/* ---- capture.c ---- */

extern const struct opt capture_options[];

int run_capture(void *args, int argc, char **argv, struct err *e);

/* ---- triage.c ---- */

int run_triage(void *args, int argc, char **argv, struct err *e);

/* ---- read.c ---- */

/* Into a->redact: of the options, and of the configuration. */
int read_redactions(struct args *a, const char *topic, struct err *e);

enum { DLQ_LS_SAMPLE = 10000 };

extern const struct opt ls_options[], groups_options[], list_options[],
	tail_options[], show_options[], export_options[], check_options[];

int run_ls(void *args, int argc, char **argv, struct err *e);
int run_groups(void *args, int argc, char **argv, struct err *e);
int run_list(void *args, int argc, char **argv, struct err *e);
int run_tail(void *args, int argc, char **argv, struct err *e);
int run_show(void *args, int argc, char **argv, struct err *e);
int run_export(void *args, int argc, char **argv, struct err *e);
int run_check(void *args, int argc, char **argv, struct err *e);

#endif
