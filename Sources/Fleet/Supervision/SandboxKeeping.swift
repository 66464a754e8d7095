import SystemPackage
import Tenant

/// What the supervisor remembers of one tenant's sandboxes: the last look at them, and what is under way.
struct SandboxKeeping: Sendable {
  /// Something was made there once, by whichever supervisor: others cost no look.
  var isUsed = false
  var rows: [SandboxRow] = []
  /// Of everything below the tenant's sandbox directory, at the last look.
  var diskBytes: Int64?
  /// That look could not be made: what was measured before tells nothing of now.
  var lookFailed = false
  /// Sandboxes made since that look.
  var madeSince = 0
  /// Repositories that cannot be opened, in words.
  var broken: [String] = []
  var isTending = false
  /// Something happened during a look: look again right after it.
  var tendAgain = false
  /// Workers whose sandbox is being made, or made and not yet in a report, with the repository.
  var opening: [String: String] = [:]
  /// Of those, who waits for the measure of what its worker will change: it has changed nothing yet.
  var waiting: Set<String> = []
  /// Where the measure stands of what present workers change, by repository.
  var measured: [String: Set<Home>] = [:]
  /// Sandboxes that are being given back.
  var closing: [String: Closing] = [:]
  /// Workers with a sandbox that were seen to live or were started here, by generation: their end is to be looked after, whichever
  /// report tells of it.
  var awaited: Set<String> = []
  /// Why each was kept, as it was said last: once is enough.
  var said: [String: String] = [:]
  /// Whose sandbox could not be given back at the last try.
  var failing: Set<String> = []
  /// Seconds until what should go and did not is tried again; it doubles.
  var retry = SandboxKeeping.firstRetry

  /// From where a worker of a repository gets its sandbox: the source that the configuration names, or a private twin of it.
  struct Home: Hashable, Sendable {
    var source: FilePath
    var isPrivate: Bool
  }

  struct Closing: Sendable {
    var repo: String
    var task: Task<PruneRow, Never>
  }

  static let firstRetry = 2.0
  /// Between two looks where nothing happens, and where there is no worktree at all.
  static let rest = 600.0
  static let quiet = 21_600.0
  /// Where the limit of what they may occupy is near and somebody works: a creation believes the last look.
  static let near = 30.0
  /// A new sandbox is measured once its worker had time to fill it.
  static let measureAfter = 5.0
  /// A look may take this part of the time at most, however large the trees are.
  static let share = 20.0

  /// Those of a report that have ended and were not looked after yet; each is given once.
  ///
  /// A worker may have ended before its start is over here: it is given by the next report then.
  mutating func takeEnded(_ workers: [TenantReport.Worker], starting: Set<String>) -> [TenantReport.Worker] {
    let sandboxed = workers.filter { $0.record.repo != nil && $0.record.sandbox != nil }
    awaited.formUnion(sandboxed.lazy.filter { !$0.hasEnded }.map(\.record.generation))
    awaited.formIntersection(workers.lazy.map(\.record.generation))
    let ended = sandboxed.filter {
      $0.hasEnded && awaited.contains($0.record.generation) && !starting.contains($0.record.id)
    }
    awaited.subtract(ended.map(\.record.generation))
    return ended
  }

  /// What is occupied now, nearly: each that was made since the last look as large as the largest that was there. What workers wrote since
  /// is not in it: the next look comes soon after each that was made, and often near the limit. `nil`: nothing tells.
  var diskEstimate: Int64? {
    guard let diskBytes, !lookFailed else { return nil }
    if madeSince == 0 { return diskBytes }
    guard let largest = rows.filter({ $0.isWorktree || $0.state == "warm" }).compactMap(\.bytes).max() else {
      return nil
    }
    return diskBytes + Int64(madeSince) * largest
  }

  var count: Int { rows.count(where: \.isWorktree) }

  /// What people should look at.
  var problems: [String] {
    broken + rows.filter { $0.state == "quarantined" }.map { "\($0.reason ?? "changed for everybody") (\($0.path))" }
  }
}

/// When to look again after a look. Pure.
enum TendingPace {
  /// - `isLate`: something that should go is still there.
  /// - `isEmpty`: there is no worktree. The pool still shrinks with time.
  /// - `fills`: the limit is near, and somebody may be writing.
  /// - `expires`: in so many seconds the time of one is over that is kept for a while.
  static func next(
    after seconds: Double, isLate: Bool, isEmpty: Bool, fills: Bool = false, retry: Double, expires: Double?
  ) -> Double {
    var pause = isEmpty ? SandboxKeeping.quiet : SandboxKeeping.rest
    if fills { pause = SandboxKeeping.near }
    if isLate { pause = min(retry, pause) }
    if let expires { pause = min(max(1, expires), pause) }
    return max(pause, seconds * SandboxKeeping.share)
  }
}
