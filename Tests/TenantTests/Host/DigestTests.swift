import CLinux
import TestSupport
import Testing

@Suite struct DigestTests {
  /// FIPS 180-4's own examples.
  @Test(arguments: [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
  ])
  func `the digest is the standard's`(text: String, expected: String) {
    for isPortable in [false, true] { #expect(digest([Array(text.utf8)], isPortable) == expected) }
  }

  @Test func `it depends neither on where the bytes were cut nor on the processor`() {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<200 {
      let count = Int.random(in: 0..<400, using: &generator)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      var (parts, rest) = ([[UInt8]](), bytes[...])
      while !rest.isEmpty {
        let count = Int.random(in: 0...rest.count, using: &generator)
        parts.append(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      let whole = digest([bytes], true)
      #expect(digest(parts, true) == whole && digest(parts, false) == whole && digest([bytes], false) == whole)
    }
  }

  private func digest(_ parts: [[UInt8]], _ isPortable: Bool) -> String {
    var (hash, bytes) = (clinux_sha1(), [UInt8](repeating: 0, count: 20))
    clinux_sha1_start(&hash)
    if isPortable { hash.is_portable = 1 }
    for part in parts { clinux_sha1_add(&hash, part, part.count) }
    clinux_sha1_end(&hash, &bytes)
    return bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
