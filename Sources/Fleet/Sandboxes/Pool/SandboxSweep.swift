import CLinux
import Glibc
import SystemPackage
import Tenant

/// The slow half of giving back: recycles or deletes the trees that removals moved aside, and tidies up what dead makers
/// left. Run in the background; any number at once is safe, only one works.
struct SandboxSweep: Sendable {
  var layout: SandboxLayout
  /// The repositories that the tenant uses: name and common directory.
  var repositories: [(name: SandboxName, common: FilePath)]
  var policy = PoolPolicy()
  /// No pooling below this many free bytes.
  var freeFloor: Int64 = 1 << 30
  /// No pooling: what the tenant may occupy is nearly used up.
  var isNearQuota = false
  var grace: Int64 = 10
  /// Whether to make pooled trees from scratch where recycled ones do not reach.
  var fills = true
  var users: TreeUsers

  init(layout: SandboxLayout, repositories: [(name: SandboxName, common: FilePath)]) {
    self.layout = layout
    self.repositories = repositories
    users = TreeUsers(root: layout.root)
  }

  struct Result: Sendable {
    var recycled = 0
    var deleted = 0
    var filled = 0
    var undone: [String] = []
    /// Workers whose trees went back to their places.
    var restored: [String] = []
    var skipped: [String] = []
  }

  func run() throws -> Result {
    var result = Result()
    try layout.prepare()
    guard let lock = try FileLock.tryTaking(layout.root.appending("sweep.lock")) else {
      result.skipped.append("another sweep is at work")
      return result
    }
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    result.deleted += Staging.sweep(layout.staging, grace: grace).count
    for repository in repositories { attempt(repository.name, &result) { try tidy(repository.common, &$0) } }
    for name in Files.names(layout.trash) { handle(layout.trash.appending(name), &result) }
    var sized: Set<String> = []
    for repository in repositories where sized.insert(repository.name.text).inserted {
      attempt(repository.name, &result) { try size(repository.name, repository.common, &$0) }
    }
    return result
  }

  /// What goes wrong in one repository is told, and the others' turn comes all the same.
  private func attempt(_ name: SandboxName, _ result: inout Result, _ work: (inout Result) throws -> Void) {
    do { try work(&result) } catch { result.skipped.append("\(name): \(SandboxError(error).message)") }
  }

  /// Our corner of the repository, and registrations whose tree is gone. Where the tenant may only read there is no such corner, and
  /// nothing in it to tidy; so none is made to look.
  private func tidy(_ common: FilePath, _ result: inout Result) throws {
    let corner = RepositoryCorner(common: common)
    result.deleted += Staging.sweep(corner.staging, grace: grace).count
    for mark in PackTransfer.deadMarks(in: common, age: max(grace, 3600)) where AtomicFile.remove(mark) {
      result.deleted += 1
    }
    for name in Files.names(corner.trash) { try? Directory.removeTree(corner.trash.appending(name)) }
    let cutOff = try CutOffRemoval(layout: layout, common: common).putBack()
    result.restored += cutOff.restored
    result.skipped += cutOff.obstructed
    let unfinished = Worktree.all(common: common).filter { isUnfinished($0) }
    let locks = DeadRefLocks(common: common, age: grace).all()
    guard !unfinished.isEmpty || !locks.isEmpty else { return }
    let repository = try Repository(opening: common, bare: true)
    try corner.prepare()
    let lock = try corner.lock()
    defer { _ = flock(lock.descriptor.raw, LOCK_UN) }
    // Under the lock nobody of ours is between its renames: what still lacks its tree is what a dead one left.
    for lock in locks where AtomicFile.remove(lock) { result.deleted += 1 }
    for worktree in unfinished where Files.exists(worktree.directory) && isUnfinished(worktree) {
      _ = try Unregistration(corner: corner, worktree: worktree).run(repository)
      result.undone.append(worktree.name)
    }
  }

  private func isUnfinished(_ worktree: Worktree) -> Bool {
    guard let tree = worktree.note?.tree else { return false }
    return tree.removingLastComponent() == layout.trees && !Files.exists(tree)
  }

  private func handle(_ place: FilePath, _ result: inout Result) {
    guard CutOffRemoval.isOver(place, in: layout, grace: grace) else { return }
    do {
      if try recycle(place) {
        result.recycled += 1
      } else {
        try TreeRemoval.remove(place)
        result.deleted += 1
      }
    } catch {
      result.skipped.append("\(place.lastComponent?.string ?? "?"): \(SandboxError(error).message)")
    }
  }

  private func recycle(_ place: FilePath) throws -> Bool {
    let tree = place.appending("tree")
    guard let text = FileReading.of(place.appending("note.json"), maximumBytes: 65536).text,
      let note = try? JSON(parsing: text), let name = note["repo"]?.string,
      let repository = repositories.first(where: {
        $0.name.text == name && $0.common.string == note["common_dir"]?.string
      }), Files.isDirectory(tree)
    else { return false }
    let pool = WarmPool(layout: layout, repository: repository.name)
    guard pool.places().count < policy.wanted(requests: pool.requests(), now: Files.now), hasRoom,
      let moved = Files.status(place)?.st_mtim, users.covers(movedAt: LateChanges.stamp(moved)),
      users.find(in: tree).isEmpty
    else { return false }
    do {
      guard let commit = try target(repository.common) else { return false }
      let convergence = TreeConvergence(repository: repository.common, commit: commit, directory: tree)
      let outcome = try convergence.run(index: place.appending("index"))
      try pool.add(place, commit: commit, common: repository.common, outcome.checkout)
      return true
    } catch {
      // A tree that cannot be made clean is deleted like any other.
      return false
    }
  }

  /// The commit that the next sandbox most likely starts from.
  private func target(_ common: FilePath) throws -> ObjectID? {
    let repository = try Repository(opening: common, bare: true)
    return try repository.target(of: PrivateRepository.sourceHead) ?? repository.head().commit
  }

  private var hasRoom: Bool { !isNearQuota && (FileSystemRoom.free(at: layout.root).map { $0 > freeFloor } ?? false) }

  /// Brings the pool to its size: drops what is too many, makes what is missing.
  private func size(_ name: SandboxName, _ common: FilePath, _ result: inout Result) throws {
    let pool = WarmPool(layout: layout, repository: name)
    try pool.forgetRequests(before: Files.now - policy.memory)
    let wanted = hasRoom ? policy.wanted(requests: pool.requests(), now: Files.now) : 0
    for place in pool.places().dropFirst(wanted) {
      let aside = layout.trash.appending(Files.uniqueName("pool"))
      try Files.move(place.path, to: aside)
      try TreeRemoval.remove(aside)
      result.deleted += 1
    }
    guard fills, let commit = try target(common) else { return }
    for _ in pool.places().count..<max(pool.places().count, wanted) where hasRoom {
      let staging = try Staging(in: layout.staging, for: "pool")
      do {
        let place = staging.directory.appending("place")
        try Files.makeDirectory(place, mode: 0o700)
        try Files.makeDirectory(place.appending("tree"), mode: 0o755)
        let outcome = try Checkout(repository: common, commit: commit, directory: place.appending("tree"))
          .write(index: place.appending("index"))
        try pool.add(place, commit: commit, common: common, outcome)
        result.filled += 1
      } catch {
        staging.discard()
        throw error
      }
      staging.discard()
    }
  }
}
