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

  struct Result: Sendable {
    var findings: [AuditFinding] = []
    var isBlocked = false
    /// How it stands now; nil for a directory that is not the one that was given.
    var baseline: AuditSnapshot?
  }

  /// In the quarantine, beside what was set aside: what it was, a line each.
  static let findingsFile = "findings.txt"

  private var quarantine: FilePath { layout.quarantine.appending(worker.text) }

  static func isWritable(_ common: FilePath) -> Bool { unsafe access(common.string, W_OK) == 0 }

  /// Compares with how things were before the worker came, as the supervisor kept it where no worker could touch it.
  func run(against before: AuditSnapshot) throws -> Result {
    let after = try AuditSnapshot.take(common: common, repository: before.repository)
    guard after.directory.isSame(as: before.directory) else {
      // Nobody knows how it was.
      let drift = AuditDrift(what: "\(common) was replaced by another directory", action: .block)
      return Result(findings: [.leftAlone(drift)], isBlocked: true)
    }
    let before = before.expecting(after)
    let worktrees = Worktree.all(common: common).compactMap(\.note)
    let branches = worktrees.filter { $0.worker == worker.text }.compactMap(\.branch)
    // Without a worktree of its own, the name of its first branch is the best guess.
    let own = branches.isEmpty ? [SandboxName.branchPrefix + worker.text] : Set(branches)
    var result = Result(baseline: after)
    var unanchored: [(String, ObjectID)] = []
    for drift in AuditDrift.between(before, after, own: own, used: Set(worktrees.compactMap(\.branch))) {
      if drift.action == .block { result.isBlocked = true }
      guard repairs else {
        result.isBlocked = result.isBlocked || drift.action.isGrave
        result.findings.append(
          AuditFinding(drift: drift, done: "nothing: only looked", isSerious: drift.action != .report))
        continue
      }
      do {
        if let finding = try act(on: drift, before) { result.findings.append(finding) }
      } catch {
        // As it stands it must not become the measure. What could not be anchored is no danger: the next audit tries again.
        result.isBlocked = result.isBlocked || drift.action.isGrave
        if case .anchor(let ref, let old) = drift.action { unanchored.append((ref, old)) }
        result.findings.append(AuditFinding(drift: drift, done: "could not be put right: \(error)", isSerious: true))
      }
    }
    result.findings = AuditFinding.folded(result.findings)
    if repairs {
      try noteFindings(result.findings.filter(\.isSerious))
      // Looked at again only where something was put right.
      if result.findings.contains(where: { $0.drift.action != .report }) {
        result.baseline = try AuditSnapshot.take(common: common, repository: before.repository)
      }
      for (ref, old) in unanchored { result.baseline?.miss(ref, old) }
    }
    return result
  }

  /// A removal parks and deletes after its audit: for the next one that is how things stand.
  static func amend(_ baseline: JSON, parked: [String], deleted: String?) throws -> JSON {
    guard !parked.isEmpty || deleted != nil, var references = baseline["references"]?.object,
      let common = baseline["directory"]?["path"]?.string
    else { return baseline }
    let repository = try Repository(opening: FilePath(common), bare: true)
    for ref in parked { references[ref] = .optional(try repository.target(of: ref)?.hex) }
    if let deleted { references[deleted] = nil }
    var amended = baseline
    amended["references"] = .object(references)
    return amended
  }

  /// `nil`: everyday work of the fleet's own, which is not worth telling.
  private func act(on drift: AuditDrift, _ before: AuditSnapshot) throws -> AuditFinding? {
    func did(_ what: String, serious: Bool = true) -> AuditFinding {
      AuditFinding(drift: drift, done: what, isSerious: serious)
    }
    switch drift.action {
    case .report: return did("reported", serious: false)
    case .alert: return did("reported: look at it, and put it back if nobody meant it")
    case .block: return did("sandboxes of this repository are refused until somebody looked")
    case .quarantine(let path): return did("moved to \(try setAside(path))")
    case .restore(let path): return try restore(path, before.files[path], did)
    case .reset(let ref, let old):
      let repository = try Repository(opening: common, bare: true)
      let found = try repository.target(of: ref)
      let kept = try found.map { try anchor(ref, $0, repository) }
      if let old {
        try repository.moveReference(ref, from: nil, to: old, message: "looop: as before \(worker)")
      } else {
        try repository.deleteReference(ref, at: found)
      }
      return did((old == nil ? "taken away" : "put back") + (kept.map { "; what it named is kept as \($0)" } ?? ""))
    case .anchor(let ref, let old):
      let repository = try Repository(opening: common, bare: true)
      guard repository.contains(old) else { return did("what it named is gone") }
      let isOurs = ref.hasPrefix(SandboxName.branchPrefix) || ref.hasPrefix("refs/looop/")
      // One that was made unreadable names nothing.
      let current = try? repository.target(of: ref)
      // A branch that went forward is everyday work, by whomever.
      if let current, try repository.isReachable(old, from: [current]) {
        return isOurs ? nil : did("it went forward", serious: false)
      }
      // So is one that was merged and deleted; where it was is noted all the same.
      // What holds a branch of a worker's besides is what people land from: what is parked may go once it was looked at.
      let isBranch = ref.hasPrefix(SandboxName.branchPrefix)
      let others = try repository.references().filter { !isBranch || !$0.name.hasPrefix("refs/looop/") }
      let isSerious = try current != nil || !repository.isReachable(old, from: others.map(\.target))
      if isOurs, !isSerious { return nil }
      return did("what it named is kept as \(try anchor(ref, old, repository))", serious: isSerious)
    }
  }

  /// What is anchored under a name already stays there. Flat below its kind: git has no `feature/x` beside a `feature`.
  private func anchor(_ ref: String, _ id: ObjectID, _ repository: borrowing Repository) throws -> String {
    let parts = ref.split(separator: "/", maxSplits: 2).dropFirst().map { $0.replacing("/", with: "-") }
    let first = "refs/looop/audit/\(worker)/" + parts.joined(separator: "/")
    var (name, number) = (first, 1)
    while true {
      let anchored = try repository.target(of: name)
      if anchored == id { return name }
      if anchored == nil, try repository.references(matching: "\(name)/*").isEmpty { break }
      number += 1
      name = "\(first)-\(number)"
    }
    try repository.createReference(name, at: id, message: "looop: what \(ref) named before \(worker)")
    return name
  }

  private func restore(
    _ path: String, _ old: AuditSnapshot.Guarded?, _ did: (String, Bool) -> AuditFinding
  ) throws -> AuditFinding {
    let place = common.pushing(FilePath(path))
    let parts = path.split(separator: "/")
    if parts.count == 3, parts[2] == "gitdir", Worktree(common: common, named: String(parts[1])).isWhole {
      return did("its working tree was moved, and both agree", false)
    }
    let aside = Files.exists(place) ? try setAside(path) : nil
    let found = aside.map { "; what was found is in \($0)" } ?? ""
    guard let old else { return did("taken away\(found)", true) }
    guard old.stamp == nil else { return did("what it was is not kept anywhere\(found)", true) }
    try Directory.create(place.removingLastComponent())
    try AtomicFile.write(old.contents, to: place, mode: UInt32(old.permissions))
    return did("put back\(found)", true)
  }

  /// For whoever looks at the quarantine later.
  private func noteFindings(_ serious: [AuditFinding]) throws {
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
      return target
    }
    // Whatever its size and permissions; the quarantine is closed to all others.
    do {
      try Files.move(place, to: target)
    } catch {
      guard error.errno == EXDEV else { throw error }
      try copy(place, to: target)
      guard AtomicFile.remove(place) else { throw HostError.last("remove", place) }
    }
    return target
  }

  /// To another file system: as much as a person looks at. What cannot be read is not worth leaving where it runs.
  private func copy(_ place: FilePath, to target: FilePath) throws {
    let output = try OwnedDescriptor(
      opening: target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, operation: "create")
    guard let input = try? OwnedDescriptor(opening: place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return }
    var left = FileReading.maximumBytes
    while left > 0 {
      let chunk = try input.readChunk(place)
      if chunk.isEmpty { return }
      try output.writeAll(chunk, target)
      left -= chunk.count
    }
  }
}
