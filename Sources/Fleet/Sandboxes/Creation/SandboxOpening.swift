import Glibc
import SystemPackage
import Tenant

/// Everything between a worker's wish and a directory that it can start in: room on the disk, the worktree, what git cannot
/// give it, its own ports and temporary directory, the configured setup. Either all of it or nothing.
///
/// In this order: room is made and the private repository brought up to date (`prepareSite`); what nobody here could fill in is refused
/// (`admitted`); the worktree appears, as ``SandboxCreation`` tells; and all that follows the checkout comes into it (`furnish`).
///
/// *Request*: `{worker, repo_name, repo_path, private?, base?, start?, detached?, disk_max_bytes?, disk_used_bytes?, free_floor_bytes?,
/// setup?, setup_timeout_s?, include?: bool|[pattern], ports?: {first, count}, threads?}` → `{path, branch, base_oid, from, common_dir, admin_dir,
/// private, env: {NAME: value}, included: [path], writable: [path], resumed}`
struct SandboxOpening: Sendable {
  var request: SandboxRequest

  /// Whose sandbox, of which repository.
  private struct Site {
    var layout: SandboxLayout
    var worker: SandboxName
    var place: RepositoryPlace
  }

  /// In the admin directory until all that follows the checkout is done: so long nobody has worked in it, and a retry goes on from there.
  static let pendingFile = "looop.pending"

  static func isPending(_ worktree: Worktree) -> Bool { Files.exists(worktree.directory.appending(pendingFile)) }

  func run() throws -> JSON {
    // The helper began with a page at each fault (``ProgramPages``), because many may write all their files at a time. With a pooled tree none
    // of that is held, and the more faults would be 2 of its few milliseconds.
    let pool = WarmPool(layout: try request.layout(), repository: try request.repositoryName())
    if !pool.isEmpty { ProgramPages.mapAround() }
    let site = try prepareSite()
    try site.layout.prepare()
    // Somebody who asked before and died may have left a helper that still runs the setup, or a setup whose helper died.
    let opening = try openingLock(site)
    defer { _ = flock(opening.descriptor.raw, LOCK_UN) }

    var creation = creation(site)
    let top = try admitted(site.place, creation)
    creation.fill = { _, admin, found in
      // Attributes further down may ask for what the top does not.
      if !top.covers(found) { try found.admit(source: site.place.source, common: site.place.common) }
      try Files.write("", to: admin.appending(Self.pendingFile))
    }
    let made = try creation.run()
    if !made.isNew { try adopt(made.worktree, by: site.worker) }
    do {
      try Directory.create(site.layout.temporary(site.worker), mode: 0o700)
      let environment = SandboxEnvironment.of(site.layout, site.worker, request)
      let included = try furnish(made, site, top, environment, lock: opening.descriptor.raw)
      return answer(made, site, included, environment)
    } catch {
      // Nobody has worked in it yet, so there is nothing to park.
      if made.isNew { abandon(site) }
      throw error
    }
  }

  private var setup: String? { request.text("setup") }

  // MARK: - Before

  private func prepareSite() throws -> Site {
    let layout = try request.layout()
    let worker = try request.worker()
    var quota = SandboxQuota(
      limit: request.number("disk_max_bytes"), freeFloor: request.number("free_floor_bytes") ?? 0)
    quota.estimate = request.number("disk_used_bytes")
    try quota.enforce(layout)
    return Site(layout: layout, worker: worker, place: try RepositoryPlace.forCreation(request))
  }

  private var setupDeadline: Double {
    request.number("setup_timeout_s").map(Double.init) ?? SandboxHook.defaultDeadline
  }

  /// Held by whoever makes it, and by a setup that outlived its helper: nobody ends that one, and it may hang. So it is waited for no longer
  /// than a setup may take.
  private func openingLock(_ site: Site) throws -> FileLock {
    var patience = setupDeadline
    while true {
      if let lock = try FileLock.tryTaking(site.layout.openingLock(site.worker)) { return lock }
      guard patience > 0 else {
        let users = try TreeUsers(request).find(in: site.layout.tree(site.worker)).joined(separator: ", ")
        throw SandboxError(
          .busy, "an earlier setup of \(site.worker) is still at work" + (users.isEmpty ? "" : ": \(users)"),
          hint: "end what hangs there (kill), or give it more time: setup_timeout")
      }
      usleep(20_000)
      patience -= 0.02
    }
  }

  private func creation(_ site: Site) -> SandboxCreation {
    var creation = SandboxCreation(
      layout: site.layout, worker: site.worker, repositoryName: site.place.name, common: site.place.common,
      source: site.place.source, base: request.text("base") ?? "HEAD")
    creation.start = request.text("start")
    if request.flag("detached") { creation.target = .detached }
    if let threads = request.number("threads") { creation.threads = Int(max(1, min(16, threads))) }
    return creation
  }

  /// What the commit needs beyond a checkout, as far as its top tells; throws where that cannot be given.
  private func admitted(_ place: RepositoryPlace, _ creation: SandboxCreation) throws -> ExternalContent {
    let repository = try Repository(opening: place.source, bare: true)
    guard let commit = try? repository.commit(creation.base) else { return ExternalContent() }
    let needs = try ExternalContent.atTop(of: commit, in: repository)
    try needs.admit(source: place.source, common: place.common)
    if needs.hasSubmodules, !place.isPrivate {
      throw SandboxError(
        .unsupported, "\(place.source) has submodules, and filling them in would write its configuration",
        hint: "give the tenant a private repository of it")
    }
    return needs
  }

  // MARK: - In the worktree

  /// All that the checkout did not bring; the answer is which ignored files it was given.
  private func furnish(
    _ made: SandboxCreation.Made, _ site: Site, _ top: ExternalContent, _ environment: [String: String], lock: CInt
  ) throws -> [String] {
    guard Self.isPending(made.worktree) else { return [] }
    let included = try include(in: made, site)
    // Before the setup, which may be cut off: what the sandbox was given, secrets too, is never parked as somebody's work.
    if !included.isEmpty || !made.isNew { try Furnished.remember(made.worktree, tree: made.path) }
    try missing(made, top, site.place).fill(
      made.worktree, tree: made.path, commit: made.base, deadline: SandboxHook.defaultDeadline)
    if let setup {
      try SandboxHook.run(
        setup, in: made.path, environment: environment, deadline: setupDeadline, lock: lock)
      try Furnished.remember(made.worktree, tree: made.path)
    }
    let pending = made.worktree.directory.appending(Self.pendingFile)
    // With it there, what the worker will have made would be taken for given.
    guard AtomicFile.remove(pending) else { throw HostError.last("remove", pending) }
    return included
  }

  private func include(in made: SandboxCreation.Made, _ site: Site) throws -> [String] {
    guard request.document["include"]?.bool ?? true else { return [] }
    let patterns = request.document["include"]?.array.map { $0.compactMap(\.string) }
    return try WorktreeInclude.copy(
      source: site.place.source, into: made.path, by: site.layout.staging, patterns: patterns
    ).files
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
    if !made.isNew {
      let repository = try Repository(opening: place.common, bare: true)
      try needs.read(try repository.attributeFiles(in: made.base), repository)
    }
    return needs
  }

  private func abandon(_ site: Site) {
    var removal = SandboxRemoval(
      layout: site.layout, worker: site.worker, repositoryName: site.place.name, common: site.place.common)
    removal.abandons = true
    _ = try? removal.run()
  }

  // MARK: - The answer

  private func answer(
    _ made: SandboxCreation.Made, _ site: Site, _ included: [String], _ environment: [String: String]
  ) -> JSON {
    [
      "path": .string(made.path.string), "branch": .optional(made.branch.map(SandboxVerb.shortBranch)),
      "base_oid": .string(made.base.hex), "from": .string(made.origin.rawValue),
      "common_dir": .string(site.place.common.string), "admin_dir": .string(made.worktree.directory.string),
      "private": .bool(site.place.isPrivate), "env": .object(environment.mapValues(JSON.string)),
      "included": .array(included.map(JSON.string)),
      "writable": .array(writable(site.place, made, site.layout, site.worker).map { .string($0.string) }),
      "resumed": .optional(made.resumed),
    ]
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
