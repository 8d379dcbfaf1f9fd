/*
 * kc-replay - records of a topic once more: to a topic, at a pace, exactly
 * once; and archives of topics.
 *
 * The replaying is kafka/replay_*, the verbs are in kc-replay/; here are
 * their table, the clusters, and main.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/term.h"
#include "cli/tool.h"
#include "kafka/client.h"
#include "kc-replay/verbs.h"

static const struct opt options[] = {
	{ 0, "to-cluster", OPT_STRING, AT(to_cluster), "CLUSTER",
		.help = "the target's cluster: a profile, or HOST:PORT,..." },
	OPT_END
};

static const struct opt_command commands[] = {
	{ "run", "TOPIC", "replay a topic (the default verb)", run_options, run_replay },
	{ "resume", "JOB", "go on with a job that did not end", resume_options,
		run_resume },
	{ "jobs", "", "the replays that the target cluster knows", jobs_options, run_jobs },
	{ "status", "JOB", "how far one is", jobs_options, run_status },
	{ "verify", "JOB", "compare what was written with the source", verify_options,
		run_verify },
	{ "pause", "JOB", "have a running one pause, or go on", pause_options, run_pause },
	{ "export", "TOPIC", "write an archive of a topic", export_options, run_export },
	{ "import", "DIR", "replay an archive", import_options, run_import },
	{ 0 }
};

static const char *const usage[] = {
	"[options] TOPIC --to TOPIC",
	"resume JOB",
	"jobs | status JOB | verify JOB | pause JOB",
	"export TOPIC --out DIR",
	"import DIR [--to TOPIC]",
	NULL
};

static const char *const examples[] = {
	"kc-replay orders --to orders_test --create-like --from -1h",
	"kc-replay orders --to orders_test --speed 10x --max-gap 5s",
	"kc-replay orders --to orders_test --name nightly --plan | jq .warnings",
	"kc-replay verify nightly",
	NULL
};

static const struct opt_program program = {
	.name = "kc-replay",
	.summary = "Replays topics: exactly once, at any pace, resumable; archives them.",
	.usage = usage, .options = options, .common = conf_options,
	.common_at = AT(conf), .commands = commands, .default_command = "run",
	.takes_names = true,
	.examples = examples, .section = 1, .librdkafka = client_library_version,
};

static int
load_target(struct args *a, struct err *e)
{
	a->o.source_conf = a->o.target_conf = &a->source;
	if (!a->to_cluster)
		return 0;
	a->o.target_conf = &a->target;
	return client_load_other(&a->target, &a->conf, a->to_cluster,
		CLIENT_PRODUCER, e);
}

static int
run(void *args, const struct opt_command *verb, int argc, char **argv,
	struct err *e)
{
	struct args *a = args;
	int ret;

	a->o.timeout_ms = conf_timeout(&a->conf, CONF_AN_HOUR);
	ret = client_load(&a->source, &a->conf, CLIENT_PRODUCER, e);
	if (!ret)
		ret = load_target(a, e);
	if (ret)
		goto out;
	out_init(&a->out, STDOUT_FILENO);
	a->out.color = term_color(STDOUT_FILENO, a->conf.color);
	ret = verb->run(a, argc, argv, e);
	if (out_close(&a->out, ret ? &(struct err)ERR_INIT : e))
		ret = -1;
out:
	conf_release(&a->source);
	conf_release(&a->target);
	free(a->archive_dir);
	free(a->archive_topic);
	return ret < 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct args a = { .conf = CONF_ARGS_INIT, .spec = REPLAY_SPEC_INIT,
		.segment_size = 64 << 20 };

	return tool_main(&program, &a, run, argc, argv);
}
