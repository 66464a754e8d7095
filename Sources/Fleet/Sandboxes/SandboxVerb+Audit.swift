import Glibc
import SystemPackage
import Tenant

/// The verbs that say how a repository stands, and compare with how it stood. Each directory has a snapshot of its own, which names
/// it: which of them a worker can change, the source or a private twin, may be another one after each change of the configuration.
extension SandboxVerb {
  /// `{private?, base?, known?: [path]}` → `{baselines: [snapshot]}`: how the directories stand that a worker of this repository can
  /// change, but for those that are known.
  static func baseline(_ request: SandboxRequest) throws -> JSON {
    let place = try RepositoryPlace.forCreation(request)
    let scope = try AuditScope(request)
    var reached = place.isPrivate ? [scope.own] : [scope.source]
    // What a private repository borrows from is as open to its worker, where the tenant may write there.
    if place.isPrivate, RepositoryAudit.isWritable(scope.source) { reached.append(scope.source) }
    let known = Set(request.texts("known"))
    let new = reached.filter { !known.contains($0.string) }
    return ["baselines": .array(try new.map { try scope.take($0).json })]
  }

  /// `{worker, baselines: [snapshot], repair?}` → `{findings: [{what, done, serious, news}], blocked, baselines: [snapshot], gone: [directory]}`.
  /// Looked at is what the snapshots are of, but for directories that are the repository's no longer; one that was replaced has no new
  /// snapshot. `gone` is a private twin that nobody asks for any more.
  static func audit(_ request: SandboxRequest) throws -> JSON {
    let worker = try request.worker()
    let layout = try request.layout()
    try layout.prepare()
    let name = try request.repositoryName()
    let scope = try AuditScope(request)
    // Two workers that end together: one repairs, the other then finds what was repaired.
    let lock = try FileLock(waitingFor: layout.records.appending("audit-\(name).lock"))
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    var findings: [JSON] = []
    var isBlocked = false
    var baselines: [JSON] = []
    var gone: [JSON] = []
    for before in scope.snapshots {
      let common = before.directory.path
      let isGone = common == scope.own && !Files.isDirectory(common)
      if isGone, !request.flag("private"), !Files.exists(common) {
        gone.append(before.directory.json)
        continue
      }
      if let drift = isGone ? AuditDrift(what: "\(common) is gone", action: .block) : scope.redirection(of: before) {
        findings.append(AuditFinding.leftAlone(drift).json)
        isBlocked = true
        continue
      }
      // Nothing is put back into a repository that somebody moved away.
      guard Files.isDirectory(common) else {
        throw SandboxError(
          .notFound, "\(common) is not there", hint: "name the repository's directory in the tenant's repos")
      }
      var audit = RepositoryAudit(layout: layout, repositoryName: name, common: common, worker: worker)
      audit.repairs = request.flag("repair", default: true)
      let result = try audit.run(against: before)
      let place = scope.snapshots.count > 1 && common == scope.source ? "in \(common): " : ""
      findings += result.findings.map { finding in
        var finding = finding
        finding.drift.what = place + finding.drift.what
        return finding.json
      }
      isBlocked = isBlocked || result.isBlocked
      if let baseline = result.baseline { baselines.append(baseline.json) }
    }
    return [
      "findings": .array(findings), "blocked": .bool(isBlocked), "baselines": .array(baselines), "gone": .array(gone),
    ]
  }
}
