import Glibc
import SystemPackage
import Tenant

/// Everything between a worker's wish and a directory that it can start in: room on the disk, the worktree, what git cannot
/// give it, its own ports and temporary directory, the configured setup. Either all of it or nothing.
struct SandboxOpening: Sendable {
  var request: SandboxRequest

  /// In the admin directory while something is still to be done; a retry goes on from there.
  private static let pendingFile = "looop.pending"

  func run() throws -> JSON {
    let layout = try request.layout()
    let worker = try request.worker()
    let quota = SandboxQuota(
      limit: request.number("disk_max_bytes"), freeFloor: request.number("free_floor_bytes") ?? 0)
    try quota.enforce(layout)
    let place = try RepositoryPlace.forCreation(request)
    let audit = RepositoryAudit(layout: layout, repositoryName: place.name, common: place.common, worker: worker)
    let baseline = try request.flag("audit", default: true) ? audit.begin(afresh: request.flag("afresh")) : nil
    // Somebody who asked before and died may have left a helper that still runs the setup.
    try layout.prepare()
    let opening = try FileLock(waitingFor: layout.openingLock(worker))
    defer { _ = flock(opening.descriptor.raw, LOCK_UN) }

    var creation = SandboxCreation(
      layout: layout, worker: worker, repositoryName: place.name, common: place.common, source: place.source,
      base: request.text("base") ?? "HEAD")
    if request.flag("detached") { creation.target = .detached }
    if let threads = request.number("threads") { creation.threads = Int(max(1, min(16, threads))) }
    let top = try needs(place, creation)
    let setup = request.text("setup")
    let includes = request.document["include"]?.bool ?? true
    let patterns = request.document["include"]?.array.map { $0.compactMap(\.string) }
    creation.fill = { _, admin, found in
      // Attributes further down may ask for what the top does not.
      if !top.covers(found) { try found.admit(place.source) }
      if !top.isEmpty || !found.isEmpty || setup != nil { try Files.write("", to: admin.appending(Self.pendingFile)) }
    }
    let made = try creation.run()
    if made.origin == "existing" { try adopt(made.worktree, by: worker) }
    do {
      try Directory.create(layout.temporary(worker), mode: 0o700)
      let environment = SandboxEnvironment.of(layout, worker, request)
      let copied =
        includes && made.origin != "existing"
        ? try WorktreeInclude.copy(source: place.source, into: made.path, patterns: patterns) : .init()
      let pending = made.worktree.directory.appending(Self.pendingFile)
      if Files.exists(pending) {
        try self.missing(made, top, place).fill(
          made.worktree, tree: made.path, commit: made.base, deadline: SandboxHook.defaultDeadline)
        if let setup {
          try SandboxHook.run(
            setup, in: made.path, environment: environment, deadline: request.number("setup_timeout_s").map(Double.init)
          )
        }
        AtomicFile.remove(pending)
      }
      if made.origin != "existing", setup != nil || !copied.files.isEmpty {
        try Furnished.remember(made.worktree, tree: made.path)
      }
      return [
        "path": .string(made.path.string), "branch": .optional(made.branch.map(SandboxVerb.shortBranch)),
        "base_oid": .string(made.base.hex), "from": .string(made.origin), "common_dir": .string(place.common.string),
        "admin_dir": .string(made.worktree.directory.string), "private": .bool(place.isPrivate),
        "env": .object(environment.mapValues(JSON.string)), "included": .array(copied.files.map(JSON.string)),
        "writable": .array(writable(place, made, layout, worker).map { .string($0.string) }),
        "baseline": baseline?.json ?? .null,
      ]
    } catch {
      // Nobody has worked in it yet, so there is nothing to park.
      if made.origin != "existing" {
        var removal = SandboxRemoval(
          layout: layout, worker: worker, repositoryName: place.name, common: place.common)
        removal.abandons = true
        _ = try? removal.run()
      }
      throw error
    }
  }

  private func needs(_ place: RepositoryPlace, _ creation: SandboxCreation) throws -> ExternalContent {
    let repository = try Repository(opening: place.source, bare: true)
    guard let commit = try? repository.commit(creation.base) else { return ExternalContent() }
    let needs = try ExternalContent.atTop(of: commit, in: repository)
    try needs.admit(place.source)
    if needs.hasSubmodules, !place.isPrivate {
      throw SandboxError(
        .unsupported, "\(place.source) has submodules, and filling them in would write its configuration",
        hint: "give the tenant a private repository of it")
    }
    return needs
  }

  /// A worktree that was restored for a person, and in which a worker goes on now, is that worker's.
  private func adopt(_ worktree: Worktree, by worker: SandboxName) throws {
    guard worktree.lockReason?.hasPrefix(SandboxRestoring.lockReason) == true else { return }
    try AtomicFile.write(
      SandboxCreation.workersLock(worker) + "\n", to: worktree.directory.appending("locked"), mode: 0o644)
  }

  /// What is to be filled in; of a sandbox whose first making was cut off, only its commit tells.
  private func missing(
    _ made: SandboxCreation.Made, _ top: ExternalContent, _ place: RepositoryPlace
  ) throws -> ExternalContent {
    var needs = made.needs
    needs.hasSubmodules = top.hasSubmodules
    if made.origin == "existing" {
      let repository = try Repository(opening: place.common, bare: true)
      try needs.read(try repository.attributeFiles(in: made.base), repository)
    }
    return needs
  }

  /// What a confined worker must be able to write so that `git commit` works in its sandbox.
  private func writable(
    _ place: RepositoryPlace, _ made: SandboxCreation.Made, _ layout: SandboxLayout, _ worker: SandboxName
  ) -> [FilePath] {
    let shared = ["objects", "refs", "logs", "packed-refs"].map { place.common.appending($0) }
    let own = [made.path, made.worktree.directory, layout.temporary(worker)]
    return own + (place.isPrivate ? [place.common] : shared)
  }
}
