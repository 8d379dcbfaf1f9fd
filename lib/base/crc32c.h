/*
 * crc32c.h - CRC-32C (Castagnoli), the checksum of record batches v2 and of
 * the write-ahead log. Uses the processor's instruction where it has one.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of n bytes; to go on from an earlier result pass it as crc, else 0. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/*
 * Of two runs of bytes, from the checksum of each and the length of the
 * second: whatever the length takes 50 ns, or a microsecond where the processor
 * cannot multiply polynomials.
 */
uint32_t crc32c_join(uint32_t first, uint32_t second, size_t n);

#endif
