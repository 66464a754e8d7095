// SHA-1 at the speed of the machine: the checksum at the end of a git index. Swift has no way to reach the processor's own
// instructions for it, and the index of a large repository is megabytes.
#ifndef CLINUX_SHA1_H
#define CLINUX_SHA1_H

#include <stddef.h>
#include <stdint.h>

struct clinux_sha1 {
  uint32_t state[5];
  uint64_t length;
  /// What is not a whole block yet.
  uint8_t rest[64];
  /// Without the processor's instructions.
  int is_portable;
};

void clinux_sha1_start(struct clinux_sha1 *hash);
void clinux_sha1_add(struct clinux_sha1 *hash, const void *bytes, size_t length);
/// Writes the 20 bytes of the digest.
void clinux_sha1_end(struct clinux_sha1 *hash, uint8_t digest[20]);

#endif
