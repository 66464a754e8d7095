import CLinux
import Glibc
import SystemPackage
import Tenant

/// Stores a worktree's unsaved work in the repository, to the byte, under `refs/looop/parked/WORKER`. Changes nothing in the
/// worktree; everything is on the disk before the ref names it.
struct Parking: Sendable {
  var common: FilePath
  var worktree: Worktree
  var tree: FilePath
  var worker: SandboxName

  struct Parked: Hashable, Sendable {
    var ref: String
    var commit: ObjectID
    var files: Int
  }

  func run(_ seen: SandboxInspection.Seen) throws -> Parked {
    let repository = try Repository(opening: tree)
    let intake = try ObjectIntake(repository, RepositoryCorner(common: common))
    let stored: Stored
    do { stored = try store(seen, repository) } catch {
      intake.abandon()
      throw error
    }
    let objects =
      try repository.objects(of: stored.commit, besides: stored.head)
      + repository.objects(
        of: stored.details, besides: nil)
    let ref = try intake.finish(objects, from: repository) {
      try GitRuntime.withSynchronousWrites {
        try ParkedRef.create(worker, at: stored.commit, in: Repository(opening: common, bare: true))
      }
    }
    return Parked(ref: ref, commit: stored.commit, files: stored.files)
  }

  private struct Stored {
    var commit: ObjectID
    var details: ObjectID
    var head: ObjectID?
    var files: Int
  }

  private func store(_ seen: SandboxInspection.Seen, _ repository: borrowing Repository) throws -> Stored {
    let head = try repository.head()
    let branch: String? =
      switch head {
      case .branch(let name, _), .unborn(let name): name
      case .detached: nil
      }
    let snapshot = try Index()
    if let commit = head.commit { try snapshot.read(commit: commit, of: repository) }
    var files: [ParkedWork.File] = []
    var deleted: [FilePath] = []
    for path in Set(seen.entries.map(\.path) + seen.hiddenPaths + seen.ignoredPaths).sorted(by: {
      $0.string < $1.string
    }) {
      guard let file = try save(path, repository) else {
        if !Files.exists(tree.pushing(path)) {
          deleted.append(path)
          try snapshot.remove(path)
        }
        continue
      }
      files.append(file)
    }
    for file in files {
      let mode: UInt32 = file.isLink ? 0o120000 : (file.permissions & 0o100 != 0 ? 0o100755 : 0o100644)
      try snapshot.add(file.path, file.blob, mode: mode)
    }
    let work = ParkedWork(
      worker: worker.text, repository: worktree.note?.repository ?? "", branch: branch, head: head.commit,
      base: worktree.note?.base ?? head.commit ?? ObjectID(String(repeating: "0", count: 40))!, files: files,
      deleted: deleted, reasons: CollectionVerdict(seen.facts).reasons, parkedAt: Files.now)
    let details = try storeDetails(work, repository)
    let commit = try repository.writeCommit(
      tree: try snapshot.writeTree(to: repository), parents: [head.commit, details].compactMap { $0 },
      message: "looop: parked work of \(worker)\n\n\(work.reasons.joined(separator: "\n"))\n", at: work.parkedAt)
    return Stored(commit: commit, details: details, head: head.commit, files: files.count)
  }

  /// A file as it stands: no line-end conversion, links as links. `nil` for what is not a file (a submodule, nothing).
  private func save(_ path: FilePath, _ repository: borrowing Repository) throws -> ParkedWork.File? {
    let place = tree.pushing(path)
    guard let status = Files.status(place) else { return nil }
    let permissions = Int64(status.st_mode & 0o7777)
    switch status.st_mode & S_IFMT {
    case S_IFLNK:
      guard let target = Files.linkBytes(place) else { throw HostError.last("read", place) }
      return ParkedWork.File(path: path, blob: try repository.writeBlob(target), isLink: true, permissions: permissions)
    case S_IFREG:
      let file = try OwnedDescriptor(opening: place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read")
      let blob = try repository.writeBlob(streaming: Int(status.st_size)) { try file.readChunk(place) }
      return ParkedWork.File(path: path, blob: blob, isLink: false, permissions: permissions)
    case S_IFDIR: return nil
    default: throw SandboxError(.unsupported, "\(path) is neither a file nor a link")
    }
  }

  private func storeDetails(_ work: ParkedWork, _ repository: borrowing Repository) throws -> ObjectID {
    let details = try Index()
    try details.add(
      FilePath(ParkedWork.fileName), try repository.writeBlob(Array(work.json.compact.utf8)), mode: 0o100644)
    let index = worktree.directory.appending("index")
    if Files.exists(index) {
      let bytes = try FileReading.read(index, maximumBytes: 1 << 30)
      try details.add("index", try repository.writeBlob(bytes), mode: 0o100644)
    }
    for path in AdminFiles.list(worktree.directory) {
      let bytes = try FileReading.read(worktree.directory.pushing(path), maximumBytes: 64 << 20)
      try details.add(FilePath("admin").pushing(path), try repository.writeBlob(bytes), mode: 0o100644)
    }
    for blob in try repository.stagedBlobs(notIn: work.head) {
      try details.add(FilePath("staged").appending(blob.hex), blob, mode: 0o100644)
    }
    let lonely = try LonelyCommits.find(worktree, in: repository).filter { $0 != work.head }
    return try repository.writeCommit(
      tree: try details.writeTree(to: repository), parents: lonely,
      message: "looop: what belongs to the parked work of \(worker)\n", at: work.parkedAt)
  }
}

/// The files of an admin directory that are a worktree's own state: heads, messages, an operation in progress, its refs and
/// its reflog. Configuration is not among them: a hostile one must not come back with the work.
enum AdminFiles {
  private static let left: Set<String> = [
    "index", "gitdir", "commondir", "locked", "config.worktree", "modules", "hooks", WorktreeNote.fileName,
    Furnished.fileName, SandboxOpening.pendingFile,
  ]

  static func has(_ name: String) -> Bool { !left.contains(name) && !name.hasSuffix(".lock") }

  static func list(_ directory: FilePath) -> [FilePath] {
    Files.names(directory).filter(has)
      .flatMap { files(below: directory, FilePath($0), depth: 0) }
  }

  private static func files(below root: FilePath, _ path: FilePath, depth: Int) -> [FilePath] {
    let place = root.pushing(path)
    if Files.isLink(place) { return [] }
    guard Files.isDirectory(place) else { return [path] }
    guard depth < 8 else { return [] }
    return Files.names(place).flatMap { files(below: root, path.appending($0), depth: depth + 1) }
  }
}
