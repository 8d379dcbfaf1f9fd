#include "tally.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/near.h"
#include "cli/diag.h"
#include "cli/json.h"
#include "cli/prompt.h"

const struct result CREATED = { "created", "created ", "would create ", "" },
	EXISTS = { "exists", "", "", " exists already" },
	DELETED = { "deleted", "deleted ", "would delete ", "" },
	MISSING = { "missing", "", "", " does not exist" },
	ALTERED = { "altered", "altered ", "would alter ", "" },
	TRIMMED = { "trimmed", "trimmed ", "would trim ", "" };
static const struct result FAILED = { "failed", "", "", "" };

/* A note for people, or {"topic":"x","result":"created"}. */
static void
tell(struct args *a, const char *topic, const struct outcome *o,
	const char *error)
{
	const struct result *r = o->result;
	char offsets[64] = "";
	struct json *j;

	if (o->offsets >= 0)
		snprintf(offsets, sizeof(offsets), ": %" PRId64 " offsets",
			o->offsets);
	if (!a->json) {
		if (!error)
			diag_note("%stopic '%s'%s%s", a->dry_run ? r->before_dry :
				r->before, topic, r->after, offsets);
		return;
	}
	j = json_object();
	json_add_str(j, "topic", topic);
	json_add_str(j, "result", r->name);
	if (o->offsets >= 0)
		json_add_int(j, "offsets", o->offsets);
	if (a->dry_run)
		json_add_bool(j, "dry_run", true);
	if (error)
		json_add_str(j, "error", error);
	json_print(&a->out.buf, j);
	json_free(j);
}

void
tally_failed(struct tally *t, struct args *a, const char *topic, bool many,
	struct err *why)
{
	tell(a, topic, &(struct outcome){ &FAILED, -1 }, why->msg);
	err_wrap(why, "topic '%s'", topic);
	if (many)
		diag_error("%s", why->msg);
	t->same_code = !t->failed || (t->same_code && t->last.code == why->code);
	t->failed++;
	t->last = *why;
}

void
tally_add(struct tally *t, struct args *a, const char *topic,
	const struct outcome *o)
{
	t->done++;
	if (o->result)
		tell(a, topic, o, NULL);
}

int
tally_finish(const struct tally *t, struct err *e)
{
	if (!t->failed)
		return 0;
	if (t->failed == 1 && !t->done) {
		*e = t->last;
		return -1;
	}
	return err_set(e, t->done ? ERR_PARTIAL : t->same_code ? t->last.code :
		ERR_FAILED, "%d of %d topics failed", t->failed,
		t->failed + t->done);
}

static int
confirm(const struct args *a, const struct question *sure,
	const struct admin_topics *topics, int argc, char **argv, struct err *e)
{
	struct buf names = BUF_INIT, text = BUF_INIT;
	int n = 0, ret;

	if (!sure || a->yes || a->dry_run)
		return 0;
	for (int i = 0; i < argc; i++)
		if (admin_topics_find(topics, argv[i]))
			buf_addf(&names, "%s '%s'", n++ ? "," : "", argv[i]);
	buf_addf(&text, "%s topic%s%s%s", sure->before, n == 1 ? "" : "s",
		buf_cstr(&names), sure->after);
	ret = n ? prompt_yes(buf_cstr(&text), e) : 0;
	buf_release(&names);
	buf_release(&text);
	return ret;
}

int
tally_each(struct args *a, int argc, char **argv, const struct question *sure,
	tally_fn fn, struct err *e)
{
	struct admin_topics topics = { 0 };
	struct tally t = { 0 };

	if (admin_topics(a->client, a->timeout_ms, &topics, e))
		return -1;
	if (confirm(a, sure, &topics, argc, argv, e)) {
		admin_topics_release(&topics);
		return -1;
	}
	for (int i = 0; i < argc; i++) {
		struct outcome o = { NULL, -1 };
		struct err why = ERR_INIT;

		if (fn(a, &topics, argv[i], &o, &why))
			tally_failed(&t, a, argv[i], argc > 1, &why);
		else
			tally_add(&t, a, argv[i], &o);
	}
	admin_topics_release(&topics);
	return tally_finish(&t, e);
}

int
tally_not_found(const struct admin_topics *topics, const char *name, struct err *e)
{
	struct near near = near_init(slice_str(name));

	for (int i = 0; i < topics->n; i++)
		near_offer(&near, topics->items[i].name);
	return near.name
		? err_set(e, ERR_NOT_FOUND, "does not exist (did you mean '%s'?)",
			near.name)
		: err_set(e, ERR_NOT_FOUND, "does not exist (kc-topics lists them)");
}
