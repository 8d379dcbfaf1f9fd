/*
 * consumer_reconcile.c - a member's next step towards its target: what it
 * must give up, it gives up before anything else happens; what nobody has
 * any more, it gets; for the rest it waits.
 */
#include "coord/consumer_topics.h"

/* Are these still with the member? It is believed to have them until it says what it has. */
static bool
still_has(const struct parts *owned, const struct parts *revoking)
{
	return !owned || parts_overlap(owned, revoking);
}

static void
set_epoch(struct consumer_member *m, int32_t epoch)
{
	m->previous_epoch = m->epoch;
	m->epoch = epoch;
}

/* Those of topics that the member wants. */
static struct parts
of_topics(const struct parts *p, const struct parts *wanted, struct arena *a)
{
	struct parts out = parts_room(a, p->n);

	for (int i = 0, n; (n = parts_run(p, i)); i += n) {
		if (!parts_find(wanted, &p->v[i].topic, 0))
			continue;
		for (int k = i; k < i + n; k++)
			out.v[out.n++] = p->v[k];
	}
	return out;
}

/* There is no new target yet, but the member wants fewer topics. */
static void
shrink(struct consumer_member *m, const struct parts *owned, const struct parts *wanted,
	struct arena *a)
{
	struct parts keep = of_topics(&m->assigned, wanted, a);
	struct parts drop = parts_minus(&m->assigned, &keep, a);
	struct parts revoking = parts_or(&m->revoking, &drop, a);

	if (!drop.n)
		return;
	set_epoch(m, m->epoch);
	m->assigned = keep;
	if (still_has(owned, &revoking)) {
		m->state = CONSUMER_UNREVOKED;
		m->revoking = revoking;
	}
}

/* What of the target nobody else has; *waits when something is missing. */
static struct parts
free_parts(const struct consumer_group *g, const struct consumer_member *m,
	const struct parts *missing, int32_t epoch, bool *waits, struct arena *a)
{
	struct parts out = parts_room(a, missing->n);

	*waits = false;
	for (int i = 0; i < missing->n; i++) {
		const struct part *p = &missing->v[i];

		if (consumer_group_owner(g, &p->topic, p->number) &&
		    !parts_find(&m->revoking, &p->topic, p->number))
			*waits = true;
		else
			parts_put(&out, &p->topic, p->number, epoch);
	}
	return out;
}

static void
advance(const struct consumer_group *g, struct consumer_member *m, int32_t target_epoch,
	const struct parts *all, const struct parts *owned, const struct parts *wanted,
	struct arena *a)
{
	struct parts target = of_topics(all, wanted, a);
	struct parts keep = parts_and(&m->assigned, &target, a);
	struct parts drop = parts_minus(&m->assigned, &keep, a);
	struct parts missing = parts_minus(&target, &keep, a);
	struct parts got;
	bool waits;

	if (drop.n && still_has(owned, &drop)) {
		set_epoch(m, m->epoch);
		m->state = CONSUMER_UNREVOKED;
		m->assigned = keep;
		m->revoking = drop;
		return;
	}
	got = free_parts(g, m, &missing, target_epoch, &waits, a);
	set_epoch(m, target_epoch);
	m->state = waits ? CONSUMER_UNRELEASED : CONSUMER_STABLE;
	m->assigned = parts_or(&keep, &got, a);
	m->revoking = (struct parts){ 0 };
}

void
consumer_reconcile(const struct consumer_group *g, struct consumer_member *m,
	int32_t target_epoch, const struct parts *target, bool has_new_topics,
	const struct parts *owned, const struct parts *wanted, struct arena *a)
{
	bool may_advance = true;

	if (m->state == CONSUMER_STABLE)
		may_advance = m->epoch != target_epoch;
	else if (m->state == CONSUMER_UNREVOKED)
		may_advance = !still_has(owned, &m->revoking);
	if (may_advance)
		advance(g, m, target_epoch, target, owned, wanted, a);
	else if (has_new_topics)
		shrink(m, owned, wanted, a);
}
