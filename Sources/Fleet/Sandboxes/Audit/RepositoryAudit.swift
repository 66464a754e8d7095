import Glibc
import SystemPackage
import Tenant

/// Looks at the shared `.git` after a worker, puts right what is dangerous for the others, and says who it was.
///
/// Reads and moves files only: nothing that it finds is executed, and links are not followed.
struct RepositoryAudit: Sendable {
  var layout: SandboxLayout
  var repositoryName: SandboxName
  var common: FilePath
  var worker: SandboxName
  var repairs = true

  struct Finding: Hashable, Sendable {
    var drift: AuditDrift
    var done: String

    var json: JSON { ["what": .string(drift.what), "done": .string(done)] }
    var sentence: String { "\(drift.what) (\(done))" }
  }

  struct Result: Sendable {
    var findings: [Finding] = []
    var isBlocked = false
    var baseline: AuditSnapshot
  }

  private var quarantine: FilePath { layout.root.appending("quarantine").appending(worker.text) }
  private var baselineFile: FilePath {
    layout.records.appending("audit-\(repositoryName)-\(StableHash.of(common.string)).json")
  }

  /// Notes how things are, for the comparison after the worker. While other workers live, an older note stays: what one of
  /// them did must not become the measure.
  func begin() throws {
    let others = Worktree.all(common: common).contains { $0.note?.tree.removingLastComponent() == layout.trees }
    if others, Files.exists(baselineFile) { return }
    try layout.prepare()
    let staged = layout.records.appending(Files.uniqueName("audit"))
    try Files.write(try AuditSnapshot.take(common: common).json.compact, to: staged, mode: 0o600)
    guard AtomicFile.rename(from: staged, to: baselineFile) == 0 else { throw HostError.last("write", baselineFile) }
  }

  private func stored() -> AuditSnapshot? { StateFile.read(baselineFile).value.flatMap(AuditSnapshot.init(json:)) }

  /// `given` is the baseline that the supervisor kept, which no worker could touch; else our own note is used.
  func run(baseline given: AuditSnapshot?) throws -> Result {
    let after = try AuditSnapshot.take(common: common)
    guard let before = given ?? stored() else { return Result(baseline: after) }
    var own: Set<String> = [SandboxName.branchPrefix + worker.text, SandboxName.parkedPrefix + worker.text]
    for worktree in Worktree.all(common: common) where worktree.note?.worker == worker.text {
      if let branch = worktree.note?.branch { own.insert(branch) }
    }
    // Every worker's branch is its own affair; whose it is shows in its name.
    let workers = Set(after.references.keys).union(before.references.keys).filter {
      $0.hasPrefix(SandboxName.branchPrefix)
    }
    var result = Result(baseline: after)
    for drift in AuditDrift.between(before, after, own: own.union(workers)) {
      if drift.action == .block { result.isBlocked = true }
      result.findings.append(Finding(drift: drift, done: repairs ? try act(on: drift, before) : "nothing: only looked"))
    }
    if repairs {
      result.baseline = try AuditSnapshot.take(common: common)
      try AtomicFile.write(result.baseline.json.compact, to: baselineFile, mode: 0o600)
    }
    return result
  }

  private func act(on drift: AuditDrift, _ before: AuditSnapshot) throws -> String {
    switch drift.action {
    case .report: return "reported"
    case .block: return "sandboxes of this repository are refused until somebody looked"
    case .quarantine(let path): return "moved to \(try setAside(path))"
    case .restore(let path):
      let place = common.pushing(FilePath(path))
      let aside = Files.exists(place) ? try setAside(path) : nil
      if let old = before.files[path] {
        try Directory.create(place.removingLastComponent())
        try AtomicFile.write(old.contents, to: place, mode: UInt32(old.permissions))
      }
      return "put back" + (aside.map { "; what was found is in \($0)" } ?? "")
    case .anchor(let ref, let old):
      let repository = try Repository(opening: common, bare: true)
      guard repository.contains(old) else { return "what it named is gone" }
      let name = "refs/looop/audit/\(worker)/" + ref.dropFirst("refs/".count)
      if try repository.target(of: name) == nil {
        try repository.createReference(name, at: old, message: "looop: what \(ref) named before \(worker)")
      }
      return "what it named is kept as \(name)"
    }
  }

  /// Moves a file to where nothing runs it, without following it if it is a link.
  private func setAside(_ path: String) throws -> FilePath {
    try Directory.create(quarantine, mode: 0o700)
    let flat = path.map { $0 == "/" ? "_" : String($0) }.joined()
    let target = quarantine.appending(Files.uniqueName(flat))
    let place = common.pushing(FilePath(path))
    if Files.isLink(place) {
      try Files.write("link to \(Files.linkTarget(place) ?? "?")\n", to: target, mode: 0o600)
      guard AtomicFile.remove(place) else { throw HostError.last("remove", place) }
    } else {
      let contents = try FileReading.read(place)
      try Files.create(contents, at: target, mode: 0o600)
      guard AtomicFile.remove(place) else { throw HostError.last("remove", place) }
    }
    return target
  }
}
