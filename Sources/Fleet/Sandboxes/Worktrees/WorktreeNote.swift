import Glibc
import SystemPackage
import Tenant

/// What we write into an admin directory of ours: who it is for, and what to undo if its making was cut off.
struct WorktreeNote: Hashable, Sendable {
  var worker: String
  var repository: String
  /// The branch's full name, or `nil` for a detached sandbox.
  var branch: String?
  var base: ObjectID
  var tree: FilePath
  var createdAt: Int64
  /// Which start of a worker it was made for, or goes on with.
  var start: String?

  static let fileName = "looop.json"

  init(
    worker: String, repository: String, branch: String?, base: ObjectID, tree: FilePath, createdAt: Int64
  ) {
    self.worker = worker
    self.repository = repository
    self.branch = branch
    self.base = base
    self.tree = tree
    self.createdAt = createdAt
  }

  init?(readingFrom directory: FilePath) {
    guard let text = FileReading.of(directory.appending(Self.fileName), maximumBytes: 65536).text,
      let json = try? JSON(parsing: text), json["v"]?.int == 1,
      let worker = json["worker"]?.string, let base = json["base_oid"]?.string.flatMap(ObjectID.init),
      let tree = json["tree"]?.string
    else { return nil }
    self.init(
      worker: worker, repository: json["repo"]?.string ?? "", branch: json["branch"]?.string, base: base,
      tree: FilePath(tree), createdAt: json["created_at"]?.int ?? 0)
    start = json["start"]?.string
  }

  /// In the place of one that is there.
  func replace(in directory: FilePath) throws(HostError) {
    try AtomicFile.write(json.compact + "\n", to: directory.appending(Self.fileName))
  }

  func write(into directory: FilePath) throws(HostError) {
    try Files.write(json.compact + "\n", to: directory.appending(Self.fileName))
  }

  private var json: JSON {
    [
      "v": 1, "worker": .string(worker), "repo": .string(repository), "branch": .optional(branch),
      "base_oid": .string(base.hex), "tree": .string(tree.string), "created_at": .int(createdAt),
      "start": .optional(start),
    ]
  }
}
