/* verbs.h - what the files of kc-replay share: the options' values, and the verbs. */
#ifndef KC_REPLAY_VERBS_H
#define KC_REPLAY_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/conf.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "kafka/replay.h"

struct args {
	struct conf_args conf;
	struct replay_spec spec;
	const char *rate, *bytes_rate, *eos, *name, *resume, *to_cluster;
	bool step, same_topic, create_like, allow_gap, plan, dry_run, summary;
	int64_t stats_ms;
	bool json;
	const char *out_dir, *digest;
	int64_t segment_size;

	/* what the verbs work with */
	struct replay_options o;
	struct conf source, target;
	char *archive_dir, *archive_topic;
	struct out out;
};

#define AT(member) offsetof(struct args, member)

/* ---- run.c ---- */

extern const struct opt run_options[], resume_options[], import_options[],
	export_options[];

int run_replay(void *args, int argc, char **argv, struct err *e);
int run_resume(void *args, int argc, char **argv, struct err *e);
int run_import(void *args, int argc, char **argv, struct err *e);
int run_export(void *args, int argc, char **argv, struct err *e);

/* ---- jobs.c ---- */

extern const struct opt jobs_options[], verify_options[], pause_options[];

int run_jobs(void *args, int argc, char **argv, struct err *e);
int run_status(void *args, int argc, char **argv, struct err *e);
int run_verify(void *args, int argc, char **argv, struct err *e);
int run_pause(void *args, int argc, char **argv, struct err *e);

#endif
