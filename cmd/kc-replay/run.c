/* run.c - kc-replay: topics once more, and archives of them, made and replayed. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "cli/sig.h"
#include "kafka/replay_archive.h"
#include "model/replay_range.h"
#include "verbs.h"

/* "50", "50/s", "10M/s". */
static int
parse_rate(const char *option, const char *text, bool is_size, int64_t *out,
	struct err *e)
{
	struct slice s = slice_str(text);
	int failed;

	if (!text)
		return 0;
	if (s.len > 2 && !strcmp(text + s.len - 2, "/s"))
		s.len -= 2;
	failed = is_size ? num_size(s, out, e) : num_int(s, 1, INT32_MAX, out, e);
	if (!failed && *out > 0)
		return 0;
	return err_set(e, ERR_USAGE, "%s '%s' (%s a second)", option, text,
		is_size ? "bytes: 10M, 500K/s," : "records: 50, 50/s,");
}

static enum replay_mode
parse_mode(const char *eos)
{
	if (!eos || !strcmp(eos, "auto"))
		return REPLAY_AUTO;
	return !strcmp(eos, "txn") ? REPLAY_OFFSETS : !strcmp(eos, "scan") ?
		REPLAY_SCAN : !strcmp(eos, "none") ? REPLAY_NONE : REPLAY_CHECKPOINT;
}

/* On resume the job knows all but its pace. */
static bool
has_selection(const struct args *a)
{
	const struct replay_spec *s = &a->spec;

	return s->target || s->partitions || s->offsets || s->from || s->until ||
		s->last || s->keys.n || s->with_headers.n || s->key_regex ||
		s->sample || s->tombstones || s->latest_per_key || s->headers.n ||
		s->timestamp || s->to_partition || s->via || s->count >= 0 ||
		s->no_tag || s->follow || s->errors_to || a->name || a->eos || a->same_topic || a->create_like;
}

/* There is no end. */
static int
check_follow(const struct replay_spec *s, struct err *e)
{
	struct replay_ranges ranges = { 0 };
	bool ends = s->until;
	int result = 0;

	if (s->offsets)
		result = replay_ranges_parse(slice_str(s->offsets), &ranges, e);
	for (int i = 0; i < ranges.n; i++)
		ends = ends || ranges.items[i].to >= 0;
	replay_ranges_release(&ranges);
	if (result)
		return err_wrap(e, "--offsets");
	if (ends)
		return err_set(e, ERR_USAGE, "--follow goes on with what comes: not "
			"with --until, nor with --offsets that end");
	if (s->latest_per_key)
		return err_set(e, ERR_USAGE, "--latest-per-key needs an end: not with "
			"--follow");
	return 0;
}

/* A dead letter is a record that could not be written: elsewhere, then. */
static int
check_errors_to(const struct replay_spec *s, struct err *e)
{
	if (!s->errors_to || !s->target || !s->topic ||
	    (strcmp(s->errors_to, s->target) && strcmp(s->errors_to, s->topic)))
		return 0;
	return err_set(e, ERR_USAGE, "--errors-to '%s' is the %s of the replay (a "
		"dead-letter topic of its own)", s->errors_to,
		strcmp(s->errors_to, s->target) ? "source" : "target");
}

static int
check_run(struct args *a, struct err *e)
{
	const struct replay_spec *s = &a->spec;

	if (parse_rate("--rate", a->rate, false, &a->spec.rate, e) ||
	    parse_rate("--bytes-rate", a->bytes_rate, true, &a->spec.bytes_rate, e))
		return -1;
	if (s->ramp_ms >= 0 && s->rate < 0 && s->bytes_rate < 0)
		return err_set(e, ERR_USAGE, "--ramp is for --rate and --bytes-rate");
	if (s->max_gap_ms >= 0 && !s->speed)
		return err_set(e, ERR_USAGE, "--max-gap is for --speed");
	if (s->offsets && (s->from || s->until || s->last || s->partitions))
		return err_set(e, ERR_USAGE, "--offsets names partitions and where "
			"they begin and end: not with -p, --from, --until, --last");
	if (s->from && s->last)
		return err_set(e, ERR_USAGE, "--from and --last exclude each other");
	if (s->follow && check_follow(s, e))
		return -1;
	if (a->resume && has_selection(a))
		return err_set(e, ERR_USAGE, "--resume takes everything but the pace "
			"from the job (a new job needs a --name of its own)");
	if (a->eos && !strcmp(a->eos, "scan") && s->no_tag)
		return err_set(e, ERR_USAGE, "--eos scan finds its records by their "
			"headers: not with --no-tag");
	return 0;
}

/* Replays what a->o says: for run and import. */
static int
replay(struct args *a, struct err *e)
{
	struct buf summary = BUF_INIT;
	int result;

	a->o.spec = a->spec;
	a->o.mode = parse_mode(a->eos);
	a->o.name = a->name;
	a->o.resume = a->resume;
	a->o.same_topic = a->same_topic;
	a->o.create_like = a->create_like;
	a->o.allow_gap = a->allow_gap;
	a->o.dry_run = a->dry_run;
	a->o.step = a->step;
	a->o.stats_ms = a->stats_ms;
	if (check_errors_to(&a->spec, e))
		return -1;
	if (a->plan)
		return replay_plan(&a->o, &a->out.buf, e);
	sig_watch_pause();
	sig_watch_news();
	result = replay_run(&a->o, &summary, e);
	if ((a->summary || a->dry_run) && summary.len)
		fputs(buf_cstr(&summary), stderr);
	buf_release(&summary);
	return result;
}

int
run_replay(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;

	if (check_run(a, e))
		return -1;
	if (a->resume ? argc > 0 : argc != 1)
		return err_set(e, ERR_USAGE, a->resume ? "--resume knows its topic" :
			argc ? "one topic at a time (where it goes: --to TOPIC)" :
			"no topic (kc-replay TOPIC --to TOPIC; kc-topics lists what "
			"is there)");
	if (!a->resume) {
		a->spec.topic = argv[0];
		if (!a->spec.target)
			a->spec.target = argv[0];
		if (a->spec.follow && !a->to_cluster &&
		    !strcmp(a->spec.target, a->spec.topic))
			return err_set(e, ERR_USAGE, "--follow into the topic itself "
				"would never end (--to TOPIC)");
	}
	return replay(a, e);
}

int
run_resume(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;

	if (argc != 1)
		return err_set(e, ERR_USAGE, "which job? (kc-replay jobs lists them)");
	a->resume = argv[0];
	return run_replay(a, 0, argv, e);
}

int
run_import(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;

	if (check_run(a, e))
		return -1;
	if (a->resume ? argc > 0 : argc != 1)
		return err_set(e, ERR_USAGE, a->resume ? "--resume knows its archive" :
			"which archive? (kc-replay import DIR)");
	if (!a->resume && replay_archive_spec(argv[0], a->digest, &a->spec,
	    &a->archive_dir, &a->archive_topic, e))
		return -1;
	return replay(a, e);
}

int
run_export(void *args, int argc, char **argv, struct err *e)
{
	struct args *a = args;
	struct buf summary = BUF_INIT;
	int result;

	if (check_run(a, e))
		return -1;
	if (argc != 1 || !a->out_dir)
		return err_set(e, ERR_USAGE, argc == 1 ? "where to? (--out DIR)" :
			"which topic? (kc-replay export TOPIC --out DIR)");
	a->spec.topic = a->spec.target = argv[0];
	a->o.spec = a->spec;
	a->o.allow_gap = a->allow_gap;
	result = replay_archive_write(&a->o, a->out_dir, a->segment_size,
		&summary, e);
	buf_addslice(&a->out.buf, buf_slice(&summary));
	buf_release(&summary);
	return result;
}

/* ---- the options ---- */

static const char *const modes[] = { "auto", "txn", "checkpoint", "scan", "none", NULL };
static const char *const tombstones[] = { "keep", "drop", "only", NULL };

#define RANGE \
	{ 'p', "partition", OPT_STRING, AT(spec.partitions), "LIST", \
		.help = "only these partitions: 0,2-5" }, \
	{ 0, "offsets", OPT_STRING, AT(spec.offsets), "LIST", \
		.help = "only these: 0:100-200 (both ends), 1:5-, 2:7" }, \
	{ 0, "from", OPT_STRING, AT(spec.from), "TIME", \
		.help = "from this time on: -1h, 2026-01-15T10:00" }, \
	{ 0, "until", OPT_STRING, AT(spec.until), "TIME", \
		.help = "before this time (default: what is there now)" }, \
	{ 0, "last", OPT_STRING, AT(spec.last), "DURATION", \
		.help = "the last hour, day: 1h, 1d" }, \
	{ 0, "allow-gap", OPT_FLAG, AT(allow_gap), \
		.help = "go on where records have been deleted (ends with 4)" }

#define FOLLOW \
	{ 0, "follow", OPT_FLAG, AT(spec.follow), \
		.help = "at the end wait for more, until a signal comes" }

#define SELECT \
	{ 'k', "key", OPT_LIST, AT(spec.keys), "KEY", \
		.help = "only records with this key; may be repeated" }, \
	{ 0, "key-regex", OPT_STRING, AT(spec.key_regex), "REGEX", \
		.help = "only keys that match" }, \
	{ 'H', "header", OPT_LIST, AT(spec.with_headers), "NAME[=VALUE]", \
		.help = "only records with this header; each must be there" }, \
	{ 0, "sample", OPT_STRING, AT(spec.sample), "N%[:key]", \
		.help = "a share of the records, or of the keys; always the same" }, \
	{ 0, "tombstones", OPT_CHOICE, AT(spec.tombstones), "WHAT", \
		.choices = tombstones, .help = "keep (default), drop, only" }, \
	{ 0, "latest-per-key", OPT_FLAG, AT(spec.latest_per_key), \
		.help = "of each key only the last record, as after compaction" }, \
	{ 'c', "count", OPT_INT, AT(spec.count), "N", .min = 1, .max = INT64_MAX, \
		.help = "end after N records" }

#define SHAPE \
	{ 0, "to", OPT_STRING, AT(spec.target), "TOPIC", \
		.help = "write to this topic" }, \
	{ 0, "same-topic", OPT_FLAG, AT(same_topic), \
		.help = "yes, into the topic that is read" }, \
	{ 0, "create-like", OPT_FLAG, AT(create_like), \
		.help = "make the target, with the source's partitions and configs" }, \
	{ 0, "headers", OPT_LIST, AT(spec.headers), "WHAT", \
		.help = "preserve (default), none, -NAME, +NAME=VALUE" }, \
	{ 0, "timestamp", OPT_STRING, AT(spec.timestamp), "WHAT", \
		.help = "preserve (default), now, shift (to begin now), shift=TIME" }, \
	{ 0, "to-partition", OPT_STRING, AT(spec.to_partition), "WHAT", \
		.help = "same (default, when the target has it), key, or a number" }, \
	{ 0, "via", OPT_STRING, AT(spec.via), "COMMAND", \
		.help = "lines of records through a command, a batch at a time" }, \
	{ 0, "errors-to", OPT_STRING, AT(spec.errors_to), "TOPIC", \
		.help = "records that cannot be written become dead letters there" }, \
	{ 0, "no-tag", OPT_FLAG, AT(spec.no_tag), \
		.help = "no header that says where a record came from (no verify)" }

#define PACE \
	{ 0, "speed", OPT_STRING, AT(spec.speed), "FACTOR", .group = "pace", \
		.help = "by the timestamps: 1x, 0.5x, 10x; max (default)" }, \
	{ 0, "rate", OPT_STRING, AT(rate), "N", .group = "pace", \
		.help = "records a second: 50, 50/s" }, \
	{ 0, "bytes-rate", OPT_STRING, AT(bytes_rate), "SIZE", .group = "pace", \
		.help = "bytes a second: 10M, 500K/s" }, \
	{ 0, "step", OPT_FLAG, AT(step), .group = "pace", \
		.help = "each record when Enter is pressed" }, \
	{ 0, "ramp", OPT_DURATION, AT(spec.ramp_ms), "DURATION", \
		.help = "reach the rate slowly, over this time" }, \
	{ 0, "max-gap", OPT_DURATION, AT(spec.max_gap_ms), "DURATION", \
		.help = "with --speed: wait no longer than this for a record" }, \
	{ 0, "max-lag", OPT_LIST, AT(spec.max_lag), "GROUP:N", \
		.help = "wait while a group is N or more behind; may be repeated" }

#define RUN \
	{ 0, "name", OPT_STRING, AT(name), "JOB", \
		.help = "name of the job (default: the topic and the time)" }, \
	{ 0, "resume", OPT_STRING, AT(resume), "JOB", \
		.help = "go on with a job that did not end" }, \
	{ 0, "eos", OPT_CHOICE, AT(eos), "MODE", .choices = modes, \
		.help = "auto (default), txn, checkpoint, scan, none: how it resumes" }

#define LOOK \
	{ 0, "plan", OPT_FLAG, AT(plan), \
		.help = "only print what would be done, as JSON" }, \
	{ 'n', "dry-run", OPT_FLAG, AT(dry_run), \
		.help = "do everything but write" }, \
	{ 0, "summary", OPT_FLAG, AT(summary), \
		.help = "end with a line of JSON on stderr" }, \
	{ 0, "stats", OPT_DURATION, AT(stats_ms), "DURATION", \
		.help = "the same so often, as SIGUSR2 does at once" }

const struct opt run_options[] = { RANGE, FOLLOW, SELECT, SHAPE, PACE, RUN, LOOK, OPT_END };

const struct opt resume_options[] = {
	PACE, LOOK,
	{ 0, "allow-gap", OPT_FLAG, AT(allow_gap),
		.help = "go on where records have been deleted (ends with 4)" },
	OPT_END
};

const struct opt import_options[] = {
	SELECT, SHAPE, PACE, RUN, LOOK,
	{ 0, "digest", OPT_STRING, AT(digest), "SHA256",
		.help = "the archive must be the one that export named so" },
	OPT_END
};

const struct opt export_options[] = {
	RANGE, SELECT,
	{ 0, "out", OPT_STRING, AT(out_dir), "DIR",
		.help = "the archive's folder: made, or gone on with" },
	{ 0, "segment-size", OPT_SIZE, AT(segment_size), "SIZE",
		.help = "bytes of lines in a file (default: 64M)" },
	OPT_END
};
