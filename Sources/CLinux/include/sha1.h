// SHA-1 at the speed of the machine: the checksum at the end of a git index. Swift has no way to reach the processor's own
// instructions for it, and the index of a large repository is megabytes.
#ifndef CLINUX_SHA1_H
#define CLINUX_SHA1_H

#include <stddef.h>
#include <stdint.h>

/// Writes the 20 bytes of the digest of `length` bytes.
void clinux_sha1(const uint8_t *bytes, size_t length, uint8_t digest[20]);

/// The same without the processor's instructions; for comparing the two.
void clinux_sha1_portable(const uint8_t *bytes, size_t length, uint8_t digest[20]);

#endif
