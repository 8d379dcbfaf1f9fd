#include "tally.h"

#include "base/near.h"
#include "cli/diag.h"
#include "cli/json.h"

const struct result CREATED = { "created", "created ", "would create ", "" },
	EXISTS = { "exists", "", "", " exists already" },
	DELETED = { "deleted", "deleted ", "would delete ", "" },
	MISSING = { "missing", "", "", " does not exist" },
	ALTERED = { "altered", "altered ", "would alter ", "" };
static const struct result FAILED = { "failed", "", "", "" };

/* A note for people, or {"topic":"x","result":"created"}. */
static void
tell(struct args *a, const char *topic, const struct result *result,
	const char *error)
{
	struct json *j;

	if (!a->json) {
		if (!error)
			diag_note("%stopic '%s'%s", a->dry_run ?
				result->before_dry : result->before, topic,
				result->after);
		return;
	}
	j = json_object();
	json_add_str(j, "topic", topic);
	json_add_str(j, "result", result->name);
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
	tell(a, topic, &FAILED, why->msg);
	err_wrap(why, "topic '%s'", topic);
	if (many)
		diag_error("%s", why->msg);
	t->same_code = !t->failed || (t->same_code && t->last.code == why->code);
	t->failed++;
	t->last = *why;
}

void
tally_add(struct tally *t, struct args *a, const char *topic,
	const struct result *result, bool many, struct err *why)
{
	if (!result) {
		tally_failed(t, a, topic, many, why);
		return;
	}
	t->done++;
	tell(a, topic, result, NULL);
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
