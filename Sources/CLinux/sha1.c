#include "sha1.h"

#include <string.h>

// FIPS 180-4. Blocks are 64 bytes; the state is five words.

static inline uint32_t rotate(uint32_t word, int by) { return (word << by) | (word >> (32 - by)); }

static inline uint32_t read_word(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void portable_blocks(uint32_t state[5], const uint8_t *bytes, size_t count) {
  uint32_t w[80];
  for (; count > 0; count--, bytes += 64) {
    for (int i = 0; i < 16; i++) w[i] = read_word(bytes + 4 * i);
    for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
      uint32_t f, k;
      if (i < 20) { f = d ^ (b & (c ^ d)); k = 0x5a827999; }
      else if (i < 40) { f = b ^ c ^ d; k = 0x6ed9eba1; }
      else if (i < 60) { f = (b & c) | (d & (b | c)); k = 0x8f1bbcdc; }
      else { f = b ^ c ^ d; k = 0xca62c1d6; }
      uint32_t t = rotate(a, 5) + f + e + k + w[i];
      e = d; d = c; c = rotate(b, 30); b = a; a = t;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e;
  }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static int has_instructions(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & (1u << 29))) return 0;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 19));
}

// Twenty groups of four rounds. Each takes four message words, and the rotated `a` of four rounds ago as the new `e`.
__attribute__((target("sha,sse4.1,ssse3")))
static void native_blocks(uint32_t state[5], const uint8_t *bytes, size_t count) {
  const __m128i order = _mm_set_epi64x(0x0001020304050607ULL, 0x08090a0b0c0d0e0fULL);
  __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0x1b);
  __m128i e = _mm_set_epi32((int)state[4], 0, 0, 0);
  for (; count > 0; count--, bytes += 64) {
    const __m128i abcd_before = abcd, e_before = e;
    __m128i m[20];
    for (int i = 0; i < 4; i++) m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * i)), order);
    for (int i = 4; i < 20; i++)
      m[i] = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(m[i - 4], m[i - 3]), m[i - 2]), m[i - 1]);
    __m128i carried = _mm_add_epi32(e, m[0]);
#define ROUNDS(from, to, function)                              \
  for (int i = from; i < to; i++) {                             \
    __m128i old = abcd;                                         \
    abcd = _mm_sha1rnds4_epu32(abcd, carried, function);        \
    if (i < 19) carried = _mm_sha1nexte_epu32(old, m[i + 1]);   \
    else carried = old;                                         \
  }
    ROUNDS(0, 5, 0)
    ROUNDS(5, 10, 1)
    ROUNDS(10, 15, 2)
    ROUNDS(15, 20, 3)
#undef ROUNDS
    e = _mm_sha1nexte_epu32(carried, e_before);
    abcd = _mm_add_epi32(abcd, abcd_before);
  }
  _mm_storeu_si128((__m128i *)state, _mm_shuffle_epi32(abcd, 0x1b));
  state[4] = (uint32_t)_mm_extract_epi32(e, 3);
}
#else
static int has_instructions(void) { return 0; }
static void native_blocks(uint32_t state[5], const uint8_t *bytes, size_t count) { portable_blocks(state, bytes, count); }
#endif

static void blocks(struct clinux_sha1 *hash, const uint8_t *bytes, size_t count) {
  (hash->is_portable ? portable_blocks : native_blocks)(hash->state, bytes, count);
}

void clinux_sha1_start(struct clinux_sha1 *hash) {
  *hash = (struct clinux_sha1){
      .state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, .is_portable = !has_instructions()};
}

void clinux_sha1_add(struct clinux_sha1 *hash, const void *start, size_t length) {
  const uint8_t *bytes = start;
  size_t held = hash->length % 64;
  hash->length += length;
  if (held + length < 64) {
    if (length > 0) memcpy(hash->rest + held, bytes, length);
    return;
  }
  if (held > 0) {
    memcpy(hash->rest + held, bytes, 64 - held);
    blocks(hash, hash->rest, 1);
    bytes += 64 - held;
    length -= 64 - held;
  }
  blocks(hash, bytes, length / 64);
  memcpy(hash->rest, bytes + length / 64 * 64, length % 64);
}

void clinux_sha1_end(struct clinux_sha1 *hash, uint8_t digest[20]) {
  uint64_t bits = hash->length * 8;
  uint8_t tail[72] = {0x80};
  // Up to eight bytes before a whole block.
  size_t size = 1 + (119 - hash->length % 64) % 64;
  for (int i = 0; i < 8; i++) tail[size + i] = (uint8_t)(bits >> (56 - 8 * i));
  clinux_sha1_add(hash, tail, size + 8);
  for (int i = 0; i < 5; i++)
    for (int j = 0; j < 4; j++) digest[4 * i + j] = (uint8_t)(hash->state[i] >> (24 - 8 * j));
}
