import SystemPackage
import Tenant

/// Room on the disk, decided before anything is written.
struct SandboxQuota: Hashable, Sendable {
  /// What the tenant's sandboxes may occupy together; `nil` for any amount.
  var limit: Int64?
  /// What must stay free on the file system.
  var freeFloor: Int64 = 0
  /// What they occupied when they were last measured, with what was made since; `nil`: nobody knows.
  var estimate: Int64?

  enum Verdict: Hashable, Sendable {
    case fits
    /// Pooled and discarded trees must go first.
    case reclaim
    case refuse(String)
  }

  /// Whether whoever waits for a sandbox waits for them to be measured, too: only where nobody knows, and before anything is refused. Otherwise
  /// it is the regular look that sees what was written since the last one.
  var needsMeasuring: Bool {
    guard let limit else { return false }
    return estimate.map { $0 >= limit } ?? true
  }

  /// From here on nothing is pooled, and looks come more often while somebody works.
  static func isNear(_ used: Int64, limit: Int64) -> Bool { used > limit - limit / 10 }

  func decide(used: Int64, reclaimable: Int64, free: Int64?) -> Verdict {
    if let limit, used >= limit {
      if used - reclaimable < limit { return .reclaim }
      return .refuse("the tenant's sandboxes occupy \(Self.text(used)) of the \(Self.text(limit)) they may")
    }
    if let free, free < freeFloor {
      if free + reclaimable >= freeFloor, reclaimable > 0 { return .reclaim }
      return .refuse("only \(Self.text(free)) are free, and \(Self.text(freeFloor)) must stay free")
    }
    return .fits
  }

  static func text(_ bytes: Int64) -> String {
    if bytes >= 1 << 30 { return "\(Double(bytes / (1 << 20) * 10 / 1024) / 10) GiB" }
    return bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB"
  }

  /// Measures, drops what may go if that is what it takes, or throws.
  func enforce(_ layout: SandboxLayout) throws {
    guard limit != nil || freeFloor > 0 else { return }
    try layout.prepare()
    func measure() -> (Int64, Int64) {
      let spare = DiskUse.of(layout.pool).bytes + DiskUse.of(layout.trash).bytes
      return (limit == nil ? 0 : DiskUse.of(layout.root).bytes, spare)
    }
    // Below the limit, or without one, only the free space is asked for.
    let free = FileSystemRoom.free(at: layout.root)
    if !needsMeasuring, let free, free >= freeFloor { return }
    var (used, spare) = measure()
    var verdict = decide(used: used, reclaimable: spare, free: free)
    if verdict == .reclaim {
      try reclaim(layout)
      (used, spare) = measure()
      verdict = decide(used: used, reclaimable: 0, free: FileSystemRoom.free(at: layout.root))
    }
    if case .refuse(let why) = verdict {
      throw SandboxError(.noSpace, why, hint: "look at them: looop-fleet sandboxes; collect: looop-fleet sandbox prune")
    }
  }

  /// Pooled trees are `pool/REPOSITORY/ID`. Each is moved aside before it is deleted: whoever takes one at the same time, or recycles one,
  /// has all of it or nothing.
  private func reclaim(_ layout: SandboxLayout) throws {
    let pools = Files.names(layout.pool).map { layout.pool.appending($0) }.filter(Files.isDirectory)
    for directory in pools + [layout.trash] {
      for name in Files.names(directory) {
        let place = directory.appending(name)
        guard CutOffRemoval.isOver(place, in: layout) else { continue }
        let aside = layout.trash.appending(Files.uniqueName("reclaimed"))
        do { try Files.move(place, to: aside) } catch {
          guard error.isAbsent else { throw error }
          continue
        }
        try TreeRemoval.remove(aside)
      }
    }
  }
}
