/// FNV-1a with 128 bits over framed sections: the fingerprint that says whether the world is as at the last decision. It
/// guards against accidents, not against forgery: whoever can write a tenant's files can change the world anyway.
package struct WorldHash: Sendable {
  // 0x6c62272e07bb014262b821756295c58d, in two halves: UInt128 multiplication is several times slower here.
  private var high: UInt64 = 0x6c62_272e_07bb_0142
  private var low: UInt64 = 0x62b8_2175_6295_c58d

  package init() {}

  package mutating func update(_ bytes: some Sequence<UInt8>) {
    var high = high
    var low = low
    for byte in bytes {
      low ^= UInt64(byte)
      // The prime is 2^88 + 0x13B.
      let product = low.multipliedFullWidth(by: 0x13B)
      high = high &* 0x13B &+ product.high &+ low << 24
      low = product.low
    }
    self.high = high
    self.low = low
  }

  /// One section: `@@ <path> <length>\n<payload>`. The length keeps two sections from posing as one.
  package mutating func section(_ path: String, _ payload: [UInt8]) {
    update("@@ \(path) \(payload.count)\n".utf8)
    update(payload)
  }

  /// A file that is there and cannot be read is neither absent nor empty.
  package mutating func unreadable(_ path: String) {
    update("@@ \(path) !unreadable\n".utf8)
  }

  /// 32 lower-case hexadecimal digits.
  package var hex: String { Self.sixteen(high) + Self.sixteen(low) }

  package static func of(_ bytes: some Sequence<UInt8>) -> String {
    var hash = WorldHash()
    hash.update(bytes)
    return hash.hex
  }

  private static func sixteen(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
