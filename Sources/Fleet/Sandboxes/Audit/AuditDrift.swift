import Tenant

/// One thing that a worker changed for everybody, and what is to be done about it.
struct AuditDrift: Hashable, Sendable {
  enum Action: Hashable, Sendable {
    /// Put the file back as it was; keep what was found.
    case restore(path: String)
    /// Take the file away, to where nobody runs it.
    case quarantine(path: String)
    /// Anchor what a branch named before, so that it is not lost.
    case anchor(ref: String, ObjectID)
    /// Set a ref back to what it was, or take it away; keep what it named.
    case reset(ref: String, to: ObjectID?)
    /// Nothing safe can be done: no sandboxes of this repository until a person looked.
    case block
    /// Only tell it, but to everybody.
    case alert
    /// Say it.
    case report

    /// Whether no new sandbox may be made before it is put right.
    var isGrave: Bool {
      switch self {
      case .restore, .quarantine, .reset, .block: true
      case .anchor, .alert, .report: false
      }
    }

    var kind: Kind {
      switch self {
      case .restore: .restore
      case .quarantine: .quarantine
      case .anchor: .anchor
      case .reset: .reset
      case .block: .block
      case .alert: .alert
      case .report: .report
      }
    }
  }

  enum Kind: Hashable, Sendable { case restore, quarantine, anchor, reset, block, alert, report }

  var what: String
  var action: Action

  /// Compares.
  ///
  /// - `own`: refs that the worker may move and delete as it likes.
  /// - `used`: branches of worktrees that are there: each moves its own, and its reflog holds what it moved from.
  static func between(
    _ before: AuditSnapshot, _ after: AuditSnapshot, own: Set<String>, used: Set<String>
  ) -> [AuditDrift] {
    files(before, after) + links(before, after) + references(before, after, own: own, used: used)
      + rest(before, after)
  }

  private static func files(_ before: AuditSnapshot, _ after: AuditSnapshot) -> [AuditDrift] {
    var found: [AuditDrift] = []
    let changed = Set(before.files.keys).union(after.files.keys).filter { before.files[$0] != after.files[$0] }
    // One that is a link now is told as that.
    for path in changed.sorted() where after.links[path] == nil {
      if path.hasPrefix("worktrees/") {
        found += worktreeFile(path, before, after)
      } else if path == "config" {
        found.append(configuration(before, after))
      } else if path == "shallow" || path == "info/exclude" || path == "info/sparse-checkout" {
        found.append(AuditDrift(what: "\(path) changed", action: .report))
      } else if before.files[path] == nil {
        found.append(AuditDrift(what: "\(path) was planted", action: .quarantine(path: path)))
      } else {
        let verb = after.files[path] == nil ? "deleted" : "changed"
        found.append(AuditDrift(what: "\(path) was \(verb)", action: .restore(path: path)))
      }
    }
    return found
  }

  /// One that went with its worktree is no drift, nor is a configuration of its own that names no program.
  private static func worktreeFile(_ path: String, _ before: AuditSnapshot, _ after: AuditSnapshot) -> [AuditDrift] {
    let parts = path.split(separator: "/")
    guard parts.count == 3, after.worktrees.contains(String(parts[1])) else { return [] }
    let (old, new) = (before.files[path], after.files[path])
    if parts[2] == "config.worktree" {
      let planted = (after.programs[path] ?? []).filter { !(before.programs[path] ?? []).contains($0) }
      guard new?.stamp != nil || !planted.isEmpty else { return [] }
      return [
        AuditDrift(
          what: "\(path) names \(planted.isEmpty ? "nobody knows what" : planted.joined(separator: ", "))",
          action: old == nil ? .quarantine(path: path) : .restore(path: path))
      ]
    }
    // Where a new one's working tree is nobody knows but itself.
    guard let old, old.contents != new?.contents || new?.stamp != nil else { return [] }
    return [AuditDrift(what: "\(path) was \(new == nil ? "deleted" : "changed")", action: .restore(path: path))]
  }

  /// Only settings that run programs or redirect git are put back; a branch's upstream or a name is the user's own affair.
  private static func configuration(_ before: AuditSnapshot, _ after: AuditSnapshot) -> AuditDrift {
    func values(_ snapshot: AuditSnapshot) -> [String: [String]] {
      Dictionary(grouping: snapshot.settings, by: \.key).mapValues { $0.map(\.value) }
    }
    let (old, new) = (values(before), values(after))
    let changed = Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted()
    let guarded = changed.filter(DangerousSettings.guards)
    if after.files["config"]?.stamp != nil {
      return AuditDrift(what: "config was made too large to be one, or closed", action: .restore(path: "config"))
    }
    if after.files["config"] == nil || (after.settings.isEmpty && !before.settings.isEmpty) {
      return AuditDrift(what: "config was destroyed", action: .restore(path: "config"))
    }
    if guarded.isEmpty {
      let names = changed.isEmpty ? "its text only" : changed.joined(separator: ", ")
      return AuditDrift(what: "config changed: \(names)", action: .report)
    }
    return AuditDrift(what: "config: \(guarded.joined(separator: ", ")) changed", action: .restore(path: "config"))
  }

  private static func links(_ before: AuditSnapshot, _ after: AuditSnapshot) -> [AuditDrift] {
    after.links.filter { before.links[$0.key] != $0.value }.sorted { $0.key < $1.key }.map { path, target in
      let what = "\(path) is now a link to \(target)"
      let structure = ["objects", "refs", "info", "hooks", "logs", "worktrees", "config", "HEAD", "packed-refs"]
      if before.files[path] != nil { return AuditDrift(what: what, action: .restore(path: path)) }
      return AuditDrift(
        what: what, action: structure.contains(path) && path != "hooks" ? .block : .quarantine(path: path))
    }
  }

  private static func references(
    _ before: AuditSnapshot, _ after: AuditSnapshot, own: Set<String>, used: Set<String>
  ) -> [AuditDrift] {
    var found: [AuditDrift] = []
    // The stash is compared entry by entry.
    func isOwn(_ ref: String) -> Bool { own.contains(ref) || ref == "refs/stash" }
    for (ref, old) in before.references.sorted(by: { $0.key < $1.key })
    where !isOwn(ref) && after.references[ref] != old {
      let new = after.references[ref]
      let what =
        new.map { "\(ref) moved from \(old.short) to \($0.short)" } ?? "\(ref) was deleted (was \(old.short))"
      if ref.hasPrefix(replacements) {
        found.append(AuditDrift(what: what, action: .reset(ref: ref, to: old)))
      } else if new == nil || !used.contains(ref) {
        let matters = ["refs/heads/", "refs/tags/", "refs/looop/"].contains { ref.hasPrefix($0) }
        found.append(AuditDrift(what: what, action: matters ? .anchor(ref: ref, old) : .report))
      }
    }
    // The fleet's own come with every sandbox.
    let everyday = ["refs/remotes/", "refs/looop/", SandboxName.branchPrefix]
    let new = after.references.keys.filter { ref in
      before.references[ref] == nil && !isOwn(ref) && !everyday.contains { ref.hasPrefix($0) }
    }
    for ref in new.sorted() {
      found.append(
        AuditDrift(what: "\(ref) is new", action: ref.hasPrefix(replacements) ? .reset(ref: ref, to: nil) : .report))
    }
    return found
  }

  /// They put other contents in the place of a commit or a file, for everybody.
  private static let replacements = "refs/replace/"

  private static func rest(_ before: AuditSnapshot, _ after: AuditSnapshot) -> [AuditDrift] {
    var found: [AuditDrift] = []
    // The stash is everybody's: a `stash pop` takes whoever's entry is on top, and nothing but the stash holds it.
    for (position, entry) in before.stashes.enumerated() where !after.stashes.contains(entry) {
      found.append(
        AuditDrift(
          what: "stash@{\(position)} (\(entry.short)) was taken or dropped",
          action: .anchor(ref: AuditSnapshot.stashed + entry.short, entry)))
    }
    let new = after.stashes.filter { !before.stashes.contains($0) }.count
    if new > 0 { found.append(AuditDrift(what: "the stash has \(new) new entries", action: .report)) }
    if before.head != after.head {
      found.append(
        AuditDrift(
          what: "HEAD went from \(before.head) to \(after.head)", action: isHeadOdd(before, after) ? .alert : .report))
    }
    return found
  }

  /// A person switches branches in a checkout every day. Nobody does in a bare repository, nor to a worker's branch.
  private static func isHeadOdd(_ before: AuditSnapshot, _ after: AuditSnapshot) -> Bool {
    let isBare = before.settings.last { $0.key == "core.bare" }?.value == "true"
    let isBranch = after.head.hasPrefix("ref: refs/heads/")
    return isBare || after.head.hasPrefix("ref: " + SandboxName.branchPrefix)
      || !isBranch && ObjectID(after.head) == nil
  }
}
