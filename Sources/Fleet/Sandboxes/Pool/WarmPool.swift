import CLinux
import Glibc
import SystemPackage
import Tenant

/// Recycled working trees of one repository, each clean, verified and at a known commit, ready to be renamed into place.
///
/// A pooled tree is no worktree: it has no `.git`, no branch, no registration, so nothing of its former worker but bytes
/// that were compared with the commit. Taking one is a rename: two takers never get the same.
struct WarmPool: Sendable {
  var layout: SandboxLayout
  var repository: SandboxName

  private var directory: FilePath { layout.pool(repository) }

  struct Place: Hashable, Sendable {
    var path: FilePath
    var commit: ObjectID
    var conversion: String
    var hasAttributes: Bool
    /// What the commit needs that libgit2 could not give.
    var needs: ExternalContent
    var readyAt: Int64
    var files: Int64
    var bytes: Int64
  }

  var isEmpty: Bool { Files.names(directory).isEmpty }

  /// What is ready, newest first.
  func places() -> [Place] {
    Files.names(directory).compactMap { name in
      let path = directory.appending(name)
      guard let text = FileReading.of(path.appending("note.json"), maximumBytes: 65536).text,
        let json = try? JSON(parsing: text), json["v"]?.int == 1,
        let commit = json["commit"]?.string.flatMap(ObjectID.init)
      else { return nil }
      return Place(
        path: path, commit: commit, conversion: json["conversion"]?.string ?? "",
        hasAttributes: json["attributes"]?.bool ?? true,
        needs: ExternalContent(
          filters: Set((json["filters"]?.array ?? []).compactMap(\.string)), reencodes: json["reencodes"]?.bool ?? false
        ),
        readyAt: json["ready_at"]?.int ?? 0,
        files: json["files"]?.int ?? 0, bytes: json["bytes"]?.int ?? 0)
    }.sorted { ($0.readyAt, $0.path.string) > ($1.readyAt, $1.path.string) }
  }

  /// Moves a pooled tree, brought to `commit`, to `tree`, and its index to `index`. `nil` when there is none to use; else what
  /// is still to be filled in, which is what it was, because no attributes changed on the way.
  func take(
    commit: ObjectID, common: FilePath, into tree: FilePath, index: FilePath
  ) throws -> ExternalContent? {
    noteRequest()
    let conversion = ConversionState.current(common: common)
    let candidates = places()
    let best = candidates.filter { $0.commit == commit } + candidates.filter { $0.commit != commit }
    for place in best {
      let claimed = tree.removingLastComponent().appending("warm")
      // Lost the race for this one: there may be others.
      do { try Files.move(place.path, to: claimed) } catch { continue }
      do {
        guard place.conversion == conversion else {
          throw SandboxError(.unsupported, "line ends are converted otherwise now")
        }
        let step = DifferenceCheckout(
          repository: common, from: place.commit, to: commit, directory: claimed.appending("tree"),
          hasAttributes: place.hasAttributes)
        guard try step.run(index: claimed.appending("index"), to: index) != nil else {
          throw SandboxError(.unsupported, "attributes changed between the commits")
        }
        try Files.move(claimed.appending("tree"), to: tree)
        try? Directory.removeTree(claimed)
        return place.needs
      } catch {
        // A pooled tree that does not fit is no reason to fail: it goes, with the index that it came to, and the checkout is made from scratch.
        try? TreeRemoval.remove(claimed)
        try? TreeRemoval.remove(index)
      }
    }
    return nil
  }

  /// Publishes a clean tree (`place/tree`, `place/index`) in the pool.
  func add(_ place: FilePath, commit: ObjectID, common: FilePath, _ checkout: Checkout.Outcome) throws {
    try Directory.create(directory, mode: 0o700)
    let size = DiskUse.of(place)
    var needs = ExternalContent()
    try needs.read(checkout.attributes, Repository(opening: common, bare: true))
    let note: JSON = [
      "v": 1, "commit": .string(commit.hex), "conversion": .string(ConversionState.current(common: common)),
      "ready_at": .int(Files.now), "files": .int(Int64(checkout.files)),
      "attributes": .bool(checkout.hasAttributes), "bytes": .int(size.bytes),
      "filters": .array(needs.filters.sorted().map(JSON.string)), "reencodes": .bool(needs.reencodes),
    ]
    try Files.write(note.compact + "\n", to: place.appending("note.json"))
    try Files.move(place, to: directory.appending(Files.uniqueName("tree")))
  }

  /// When sandboxes were asked for, oldest first.
  func requests() -> [Int64] {
    let text = FileReading.of(layout.pool.appending("\(repository).requests"), maximumBytes: 1 << 20).text ?? ""
    return text.split(separator: "\n").compactMap { Int64($0) }
  }

  /// One appended line; what a crash loses of it is a hint lost, no more.
  private func noteRequest() {
    guard (try? Directory.create(layout.pool, mode: 0o700)) != nil,
      let file = try? OwnedDescriptor(
        opening: layout.pool.appending("\(repository).requests"), O_WRONLY | O_CREAT | O_APPEND)
    else { return }
    try? file.writeAll(Array("\(Files.now)\n".utf8), layout.pool)
  }

  func forgetRequests(before time: Int64) throws {
    let path = layout.pool.appending("\(repository).requests")
    let all = requests()
    let kept = all.filter { $0 >= time }.suffix(1000)
    if kept.count < all.count { try AtomicFile.write(kept.map { "\($0)\n" }.joined(), to: path) }
  }
}

/// What decides, outside the commit, how a file looks in the working tree: when it changed, pooled trees no longer fit.
enum ConversionState {
  static func current(common: FilePath) -> String {
    guard let repository = try? Repository(opening: common, bare: true) else { return "unknown" }
    let keys = ["core.autocrlf", "core.eol", "core.symlinks", "core.attributesfile"]
    let settings = keys.map { repository.configuration($0) ?? "" }
    var files = [common.appending("info/attributes"), "/etc/gitattributes"]
    if !settings[3].isEmpty { files.append(FilePath(settings[3])) }
    let stamps = files.map { file in
      Files.status(file).map { "\($0.st_ino).\($0.st_size).\($0.st_mtim.tv_sec).\($0.st_mtim.tv_nsec)" } ?? ""
    }
    return (settings + stamps + [String(Files.creationMask, radix: 8)]).joined(separator: "|")
  }
}
