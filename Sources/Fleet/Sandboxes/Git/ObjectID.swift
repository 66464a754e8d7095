import CGit2

/// The name of an object: 40 hexadecimal digits.
struct ObjectID: Hashable, Sendable, CustomStringConvertible {
  let hex: String

  /// `nil` for anything but 40 hexadecimal digits.
  init?(_ hex: String) {
    guard hex.utf8.count == 40, hex.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
      return nil
    }
    self.hex = hex
  }

  init(_ raw: git_oid) {
    var copy = raw
    var text = [CChar](repeating: 0, count: 41)
    unsafe git_oid_tostr(&text, 41, &copy)
    hex = unsafe String(cString: &text)
  }

  init?(_ pointer: UnsafePointer<git_oid>?) {
    guard let pointer = unsafe pointer else { return nil }
    unsafe self.init(pointer.pointee)
  }

  var raw: git_oid {
    var raw = git_oid()
    // Cannot fail: the initialisers admit nothing else.
    _ = unsafe git_oid_fromstr(&raw, hex)
    return raw
  }

  /// The 20 bytes.
  var bytes: [UInt8] {
    let raw = raw
    return unsafe withUnsafeBytes(of: raw) { unsafe [UInt8]($0.prefix(20)) }
  }

  var description: String { hex }
  var short: String { String(hex.prefix(10)) }
}
