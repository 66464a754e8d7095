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

    /// Something had to be put right, or is still wrong: people should hear of it.
    var isSerious: Bool

    var json: JSON { ["what": .string(drift.what), "done": .string(done), "serious": .bool(isSerious)] }
    var sentence: String { "\(drift.what) (\(done))" }
  }

  struct Result: Sendable {
    var findings: [Finding] = []
    var isBlocked = false
    var baseline: AuditSnapshot
  }

  /// In the quarantine, beside what was set aside: what it was, a line each.
  static let findingsFile = "findings.txt"

  private var quarantine: FilePath { layout.quarantine.appending(worker.text) }
  private var baselineFile: FilePath {
    layout.records.appending("audit-\(repositoryName)-\(StableHash.of(common.string)).json")
  }

  /// Notes how things are, for the comparison after the worker. While other workers live, an older note stays: what one of
  /// them did must not become the measure.
  ///
  /// `afresh`: nobody works there now, whatever worktrees are kept. The answer is what was noted, if anything was: the supervisor
  /// keeps it where no worker can touch it.
  func begin(afresh: Bool = false) throws -> AuditSnapshot? {
    let others = Worktree.all(common: common).contains { $0.note?.tree.removingLastComponent() == layout.trees }
    if !afresh, others, Files.exists(baselineFile) { return nil }
    let snapshot = try AuditSnapshot.take(common: common)
    try layout.prepare()
    let staged = layout.records.appending(Files.uniqueName("audit"))
    try Files.write(snapshot.json.compact, to: staged, mode: 0o600)
    guard AtomicFile.rename(from: staged, to: baselineFile) == 0 else { throw HostError.last("write", baselineFile) }
    return snapshot
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
      guard repairs else {
        result.findings.append(
          Finding(drift: drift, done: "nothing: only looked", isSerious: drift.action != .report))
        continue
      }
      result.findings.append(try act(on: drift, before))
    }
    if repairs {
      try noteFindings(result.findings.filter(\.isSerious))
      // Looked at again only where something was put right.
      if result.findings.contains(where: { $0.drift.action != .report }) {
        result.baseline = try AuditSnapshot.take(common: common)
      }
      try AtomicFile.write(result.baseline.json.compact, to: baselineFile, mode: 0o600)
    }
    return result
  }

  private func act(on drift: AuditDrift, _ before: AuditSnapshot) throws -> Finding {
    func did(_ what: String, serious: Bool = true) -> Finding { Finding(drift: drift, done: what, isSerious: serious) }
    switch drift.action {
    case .report: return did("reported", serious: false)
    case .block: return did("sandboxes of this repository are refused until somebody looked")
    case .quarantine(let path): return did("moved to \(try setAside(path))")
    case .restore(let path):
      let place = common.pushing(FilePath(path))
      let aside = Files.exists(place) ? try setAside(path) : nil
      if let old = before.files[path] {
        try Directory.create(place.removingLastComponent())
        try AtomicFile.write(old.contents, to: place, mode: UInt32(old.permissions))
      }
      return did("put back" + (aside.map { "; what was found is in \($0)" } ?? ""))
    case .anchor(let ref, let old):
      let repository = try Repository(opening: common, bare: true)
      guard repository.contains(old) else { return did("what it named is gone") }
      let current = try repository.target(of: ref)
      // A branch that went forward is everyday work, by whomever.
      if let current, try repository.isReachable(old, from: [current]) {
        return did("it went forward", serious: false)
      }
      // So is one that was merged and deleted; where it was is noted all the same.
      let isSerious = try current != nil || !repository.isReachable(old, from: repository.references().map(\.target))
      let name = "refs/looop/audit/\(worker)/" + ref.dropFirst("refs/".count)
      if try repository.target(of: name) == nil {
        try repository.createReference(name, at: old, message: "looop: what \(ref) named before \(worker)")
      }
      return did("what it named is kept as \(name)", serious: isSerious)
    }
  }

  /// For whoever looks at the quarantine later.
  private func noteFindings(_ serious: [Finding]) throws {
    guard !serious.isEmpty else { return }
    try Directory.create(quarantine, mode: 0o700)
    let file = quarantine.appending(Self.findingsFile)
    let before = FileReading.of(file, maximumBytes: 1 << 20).text ?? ""
    let lines = serious.map { "\(worker) changed \(repositoryName) for everybody: \($0.sentence)\n" }
    try AtomicFile.write(before + lines.joined(), to: file, mode: 0o600)
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
