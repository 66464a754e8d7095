import SystemPackage

/// The world at the last usable decision: `.last-tick-hash`, and `.last-world.json` for what changed since.
package struct DecisionMark: Hashable, Sendable {
  package enum Hash: Hashable, Sendable {
    case absent
    case unreadable(String)
    case value(String)
  }

  package static func hash(_ data: DataDir) -> Hash {
    switch FileReading.of(hashPath(data), maximumBytes: 4096) {
    case .absent: .absent
    case .unreadable(let error): .unreadable(error.description)
    case .contents(let bytes): .value(String(decoding: bytes, as: UTF8.self).trimmedSpace)
    }
  }

  /// The items of the world at the last decision; `nil` where there is no usable record.
  package static func baseline(_ data: DataDir) -> JSON? { StateFile.read(itemsPath(data)).value }

  /// The hash first: a crash between the two costs a less exact WHAT CHANGED, never a lost change.
  package static func commit(hash: String, items: JSON, _ data: DataDir) throws(HostError) {
    try AtomicFile.write(hash + "\n", to: hashPath(data))
    try StateFile.write(items, to: itemsPath(data))
  }

  private static func hashPath(_ data: DataDir) -> FilePath { data.root.appending(".last-tick-hash") }
  private static func itemsPath(_ data: DataDir) -> FilePath { data.root.appending(".last-world.json") }
}
