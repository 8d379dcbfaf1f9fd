/*
 * resend.c - the neighbours of a refused record.
 *
 * Kafka refuses a batch as a whole, and librdkafka does not tell which
 * messages were together. The records of refused batches are kept, sent
 * again in two halves, each half waited for, and so on, down to the one
 * record that is refused alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "kafka/producer.h"

/* Errors that one record in the batch can cause for all of it. */
bool
resend_is_refusal(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP ||
		code == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
		code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
		code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
		code == RD_KAFKA_RESP_ERR_INVALID_MSG ||
		code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE;
}

static size_t
bytes_of(const struct record *r)
{
	size_t n = r->topic.len + r->key.len + r->value.len;

	for (size_t i = 0; i < r->headers_n; i++)
		n += r->headers[i].key.len + r->headers[i].value.len;
	return n;
}

static struct slice
move(char **to, struct slice s)
{
	char *p = *to;

	if (!s.data)
		return s;
	memcpy(p, s.data, s.len);
	*to += s.len;
	return slice_make(p, s.len);
}

void
resend_keep(struct producer *p, const struct record *r, struct origin origin)
{
	size_t headers = r->headers_n * sizeof(struct record_header);
	struct kept *k = xmalloc(sizeof(*k) + headers + bytes_of(r));
	struct record_header *h = (struct record_header *)(k + 1);
	char *bytes = (char *)h + headers;

	k->next = NULL;
	k->origin = origin;
	k->r = *r;
	k->r.topic = move(&bytes, r->topic);
	k->r.key = move(&bytes, r->key);
	k->r.value = move(&bytes, r->value);
	k->r.headers = h;
	for (size_t i = 0; i < r->headers_n; i++) {
		h[i].key = move(&bytes, r->headers[i].key);
		h[i].value = move(&bytes, r->headers[i].value);
	}
	if (!p->refused.n++)
		p->refused.last = &p->refused.first;
	*p->refused.last = k;
	p->refused.last = &k->next;
}

static void
send_kept(struct producer *p, struct kept *k)
{
	struct topic *t = map_get(&p->topics, k->r.topic);
	rd_kafka_resp_err_t code;
	struct err why = p->fatal;

	if (!why.code) {
		code = producer_enqueue(p, t, &k->r, k->origin);
		if (!code)
			return;
		client_error(p->client, code, NULL, &why);
	}
	producer_fail(p, &k->r, k->origin, &why);
}

static void
resend(struct producer *p, struct kept_list list, int64_t deadline)
{
	int half = (list.n + 1) / 2;
	struct kept *k = list.first, *next;
	struct kept_list refused;

	while (k) {
		p->alone = half == 1;
		for (int i = 0; k && i < half; i++, k = next) {
			next = k->next;
			send_kept(p, k);
			free(k);
		}
		producer_drain(p, deadline);
		p->alone = false;
		refused = p->refused;
		p->refused = (struct kept_list){ 0 };
		if (refused.n)
			resend(p, refused, deadline);
	}
}

void
resend_all(struct producer *p, int64_t deadline)
{
	struct kept_list list;

	/* Nothing else may be under way: its refusals would be taken for ours. */
	producer_drain(p, deadline);
	list = p->refused;
	p->refused = (struct kept_list){ 0 };
	resend(p, list, deadline);
}
