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
    if request.flag("audit", default: true) { try audit.begin() }

    var creation = SandboxCreation(
      layout: layout, worker: worker, repositoryName: place.name, common: place.common, source: place.source,
      base: request.text("base") ?? "HEAD")
    if request.flag("detached") { creation.target = .detached }
    if let threads = request.number("threads") { creation.threads = Int(max(1, min(16, threads))) }
    let needs = try needs(place, creation)
    let setup = request.text("setup")
    let includes = request.flag("include", default: true)
    if !needs.isEmpty || setup != nil {
      creation.pools = creation.pools && needs.isEmpty
      creation.fill = { _, admin in try Files.write("", to: admin.appending(Self.pendingFile)) }
    }
    let made = try creation.run()
    do {
      let environment = try furnish(layout, worker)
      let copied =
        includes && made.origin != "existing"
        ? try WorktreeInclude.copy(source: place.source, into: made.path) : .init()
      let pending = made.worktree.directory.appending(Self.pendingFile)
      if Files.exists(pending) {
        try needs.fill(made.worktree, tree: made.path, commit: made.base, deadline: SandboxHook.defaultDeadline)
        if let setup {
          try SandboxHook.run(
            setup, in: made.path, environment: environment, deadline: request.number("setup_timeout_s").map(Double.init)
          )
        }
        AtomicFile.remove(pending)
      }
      return [
        "path": .string(made.path.string), "branch": .optional(made.branch.map(SandboxVerb.shortBranch)),
        "base_oid": .string(made.base.hex), "from": .string(made.origin), "common_dir": .string(place.common.string),
        "admin_dir": .string(made.worktree.directory.string), "private": .bool(place.isPrivate),
        "env": .object(environment.mapValues(JSON.string)), "included": .array(copied.files.map(JSON.string)),
        "writable": .array(writable(place, made, layout, worker).map { .string($0.string) }),
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

  /// The sandbox's own temporary directory and ports.
  private func furnish(_ layout: SandboxLayout, _ worker: SandboxName) throws -> [String: String] {
    let temporary = layout.temporary(worker)
    try Directory.create(temporary, mode: 0o700)
    var environment = ["TMPDIR": temporary.string, "LOOOP_SANDBOX": layout.tree(worker).string]
    if let range = request.document["ports"], let first = range["first"]?.int, let last = range["last"]?.int {
      let block = try PortBlock.lease(
        layout, worker, first: Int(first), last: Int(last), count: Int(range["count"]?.int ?? 10))
      environment["LOOOP_PORT_BASE"] = String(block.first)
      environment["LOOOP_PORT_COUNT"] = String(block.count)
    }
    return environment
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
