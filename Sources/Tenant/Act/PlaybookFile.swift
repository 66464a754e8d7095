import SystemPackage

/// The PLAYBOOK: the human's judgment. Each overwrite keeps the old body in `playbook.d/`.
package enum PlaybookFile {
  package static let defaultKeep = 20

  /// `keep` newest old bodies stay; 0 = all.
  package static func write(_ data: DataDir, body: String, keep: Int = Self.defaultKeep, now: Int64) throws {
    let text = try PolicyBody.stored(body, "PLAYBOOK")
    try Directory.create(data.root)
    try FileLock.withDirectory(data.root) {
      try keepOld(data, now: now)
      try AtomicFile.write(text, to: data.playbook)
    }
    if keep > 0 { try prune(data, keep: keep) }
  }

  /// An old body that cannot be read stops the write: it would be lost.
  private static func keepOld(_ data: DataDir, now: Int64) throws {
    switch FileReading.of(data.playbook) {
    case .absent: return
    case .unreadable(let error): throw error
    case .contents(let old):
      try Directory.create(data.playbookHistory)
      let stamp = LocalTime(now).stamp
      // Several writes in one second: each body is kept, and a pruned number is not used again.
      let used = try Directory.names(data.playbookHistory).filter { $0.hasPrefix(stamp) }.map { name in
        Int(name.dropLast(3).dropFirst(stamp.count + 1)) ?? 0
      }
      var number = used.isEmpty ? 0 : RecordNumbers.next(after: used)
      while try !AtomicFile.create(old, at: data.playbookHistory.appending(name(stamp, number))) { number += 1 }
    }
  }

  private static func name(_ stamp: String, _ number: Int) -> String {
    guard number > 0 else { return "\(stamp).md" }
    let digits = String(number)
    return "\(stamp)-\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits).md"
  }

  private static func prune(_ data: DataDir, keep: Int) throws(HostError) {
    // The first PLAYBOOK has no predecessor.
    guard Directory.exists(data.playbookHistory) else { return }
    let names = try Directory.names(data.playbookHistory).filter { $0.hasSuffix(".md") }.sorted { key($0) < key($1) }
    for name in names.dropLast(keep) { AtomicFile.remove(data.playbookHistory.appending(name)) }
  }

  /// `20260630-120000.md` is older than `20260630-120000-0001.md`: compare without the extension.
  private static func key(_ name: String) -> Substring { name.dropLast(3) }
}
