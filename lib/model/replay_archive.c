#include "model/replay_archive.h"

#include <inttypes.h>

void
archive_head_text(struct buf *out, const char *cluster, const char *topic)
{
	buf_addf(out, ARCHIVE_FORMAT "\n%s\n%s\n", cluster, topic);
}

void
archive_segment_text(struct buf *out, const char *previous,
	const struct archive_segment *s)
{
	buf_addf(out, "%s\n%s\t%" PRId32 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64
		"\t%" PRId64 "\t%" PRId64 "\t%s\n", previous, s->file, s->partition,
		s->from, s->to, s->records, s->bytes, s->size, s->sha256);
}

void
archive_tail_text(struct buf *out, const char *last,
	const struct archive_part *parts, int n)
{
	buf_addf(out, "%s\n", last);
	for (int i = 0; i < n; i++)
		buf_addf(out, "%" PRId32 "\t%" PRId64 "\t%" PRId64 "\n",
			parts[i].partition, parts[i].from, parts[i].to);
}

void
archive_file_name(struct buf *out, int32_t partition, int64_t from)
{
	buf_addf(out, "%05" PRId32 "-%020" PRId64 ".ndjson.zst", partition, from);
}

const char *
archive_holes(const struct archive_segment *s, int n,
	const struct archive_part *parts, int parts_n)
{
	int at = 0;

	for (int i = 0; i < parts_n; i++) {
		int64_t next = parts[i].from;

		for (; at < n && s[at].partition == parts[i].partition; at++) {
			if (s[at].from != next || s[at].to < s[at].from)
				return "its files do not follow each other";
			next = s[at].to;
		}
		if (next != parts[i].to)
			return "files are missing";
	}
	return at < n ? "it has files of partitions that it does not name" : NULL;
}
