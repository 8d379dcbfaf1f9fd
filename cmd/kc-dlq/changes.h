/* changes.h - what the verbs of kc-dlq that change something share. */
#ifndef KC_DLQ_CHANGES_H
#define KC_DLQ_CHANGES_H

#include "base/arena.h"
#include "kafka/redrive_planned.h"
#include "model/ledger_run.h"
#include "verbs.h"

/* A run and the memory of its texts. */
struct run_memory {
	struct ledger_run run;
	struct arena memory;
	int64_t *ends; /* of a run that is gone on with; NULL = as of now */
};

/* Everything at once is asked for: is that meant? */
int confirm(const struct args *a, const char *verb, const char *topic, struct err *e);
int check_run_name(const char *name, struct err *e);
/* The options of redrive, before anything is asked or done. */
int check_redrive(struct args *a, struct err *e);
/* Sorts by time: "20261128-155300-x7Ga". */
const char *make_run_name(const struct args *a, struct arena *memory);
/* A new one, or that of --resume; a->dlq is open. Ended in any case. */
int start_run(struct args *a, struct run_memory *m, const char *verb, struct err *e);
void end_run(struct run_memory *m);
/* What was done, or with a dry run would be: "sent", "parked". */
void tell_run(struct args *a, const struct ledger_run *r, const char *done);

/* ---- plan.c ---- */

/* The file of --plan, or stdout. */
struct plan_file {
	struct redrive_plan_writer writer;
	struct out out;
	bool open, stdout;
};
/* a->dlq is open and the run begun; a new file. */
int plan_begin(struct args *a, struct plan_file *f, struct run_memory *m, struct err *e);
/* In any case; a plan that failed leaves no file. */
int plan_end(struct args *a, struct plan_file *f, int result, struct err *e);
/* Of --from, for this topic; its options become those of a. p must outlive them. */
int plan_read(struct args *a, const char *topic, struct redrive_plan *p, struct err *e);
int plan_check_cluster(struct args *a, const struct redrive_plan *p, struct err *e);

/* "txn", "scan" */
extern const char *const eos_modes[];

#define MUTATING                                                              \
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run), .help = "change nothing, only count" }, \
	{ 'y', "yes", OPT_FLAG, AT(yes), .help = "do not ask when nothing is selected" }, \
	{ 0, "run", OPT_STRING, AT(run_name), "ID", .help = "name of this run" }, \
	{ 0, "eos", OPT_CHOICE, AT(eos), "MODE", .choices = eos_modes,         \
		.help = "exactly once by transactions (txn, default), or without them (scan)" }, \
	{ 0, "assume-none", OPT_FLAG, AT(assume_none),                         \
		.help = "the ledger is lost: begin a new one" }

#endif
