import CLinux
import SystemPackage
import Tenant

/// Goes through all of a tenant's worktrees and gives each a verdict: what lives stays, what is fresh stays for a while, the
/// rest is collected as `SandboxRemoval` decides.
struct SandboxPruning: Sendable {
  /// What the supervisor knows of a worker.
  struct Worker: Hashable, Sendable {
    var isLive: Bool
    /// `completed`, `failed`, …: how long its sandbox is kept depends on it.
    var outcome: String
    var endedAt: Int64?
  }

  /// A sandbox may be older than the list of workers that the request was made from.
  static let defaultGrace: Int64 = 300

  var layout: SandboxLayout
  var request: SandboxRequest
  var workers: [String: Worker]
  /// Seconds to keep after the end, by outcome; `default` for the others.
  var keep: [String: Int64]
  var dryRun: Bool

  /// Whether age and state speak for collection; a reason to keep otherwise. Pure.
  static func reasonToKeep(_ worker: Worker?, keep: [String: Int64], modifiedAt: Int64, now: Int64) -> String? {
    guard let worker else {
      let grace = keep["unknown"] ?? defaultGrace
      return now - modifiedAt < grace ? "nobody knows its worker, and it is younger than \(age(grace))" : nil
    }
    if worker.isLive { return "its worker lives" }
    guard let ended = worker.endedAt else { return nil }
    let time = keep[worker.outcome] ?? keep["default"] ?? 0
    return now - ended < time
      ? "its worker ended (\(worker.outcome)) \(age(now - ended)) ago; kept for \(age(time))" : nil
  }

  private static func age(_ seconds: Int64) -> String {
    if seconds >= 86_400 { return "\(seconds / 86_400) d" }
    return seconds >= 3600 ? "\(seconds / 3600) h" : seconds >= 60 ? "\(seconds / 60) min" : "\(max(0, seconds)) s"
  }

  func run() -> [JSON] {
    Files.names(layout.trees).map { name in
      let tree = layout.trees.appending(name)
      var answer: JSON = [
        "worker": .string(name), "path": .string(tree.string), "removed": false, "parked": [], "outcome": "kept",
      ]
      let modified = Files.status(tree).map { Int64($0.st_mtim.tv_sec) } ?? 0
      if let reason = Self.reasonToKeep(workers[name], keep: keep, modifiedAt: modified, now: Files.now) {
        answer["verdict"] = "keep"
        answer["reasons"] = [.string(reason)]
        answer["reason"] = .string(reason)
        return answer
      }
      do {
        let worker = try SandboxName(name)
        let (repository, common) = try home(of: tree, name)
        var removal = SandboxRemoval(layout: layout, worker: worker, repositoryName: repository, common: common)
        removal.dryRun = dryRun
        let result = try removal.run()
        answer["verdict"] = .string(result.verdict.name)
        answer["reasons"] = .array(result.verdict.reasons.map(JSON.string))
        answer["removed"] = .bool(result.removed)
        answer["parked"] = .array(result.parkedRefs.map(JSON.string))
        answer["outcome"] = .string(result.outcome(dryRun: dryRun))
        answer["reason"] = .string(result.sentence)
      } catch {
        answer["verdict"] = "keep"
        answer["outcome"] = "failed"
        answer["reasons"] = [.string(SandboxError(error).message)]
        answer["reason"] = .string(SandboxError(error).message)
      }
      return answer
    }
  }

  /// Which repository a tree belongs to: it must be one that the configuration names, or its private twin.
  private func home(of tree: FilePath, _ worker: String) throws -> (SandboxName, FilePath) {
    for place in try RepositoryPlace.all(request) {
      for common in place.homes {
        if let found = Worktree.of(tree: tree, common: common), found.isWhole || found.note?.worker == worker {
          return (place.name, common)
        }
      }
    }
    throw SandboxError(.notFound, "no repository of the tenant's knows this tree")
  }
}
