import SystemPackage
import Tenant

/// What a parked ref says of itself: the manifest beside the files.
///
/// *Shape of the ref.* A commit whose tree is the whole working tree as it stood, so that `git diff BRANCH REF` and
/// `git checkout REF -- FILE` work. Its first parent is HEAD of then; its last parent holds `manifest.json`, the raw `index`,
/// the admin directory's files (`admin/`), blobs that only the index named (`staged/`), and as its parents the commits that
/// only the worktree held.
struct ParkedWork: Hashable, Sendable {
  struct File: Hashable, Sendable {
    var path: FilePath
    var blob: ObjectID
    var isLink: Bool
    var permissions: Int64
  }

  var worker: String
  var repository: String
  /// The branch's full name, or `nil` for a detached HEAD.
  var branch: String?
  /// `nil` where the branch had no commit.
  var head: ObjectID?
  var base: ObjectID
  var files: [File]
  var deleted: [FilePath]
  var reasons: [String]
  var parkedAt: Int64

  static let fileName = "manifest.json"

  var json: JSON {
    [
      "v": 1, "worker": .string(worker), "repo": .string(repository), "branch": .optional(branch),
      "head": .optional(head?.hex), "base_oid": .string(base.hex), "parked_at": .int(parkedAt),
      "reasons": .array(reasons.map(JSON.string)),
      "files": .array(
        files.map { file in
          [
            "path": .string(PathText.encode(file.path)), "blob": .string(file.blob.hex), "link": .bool(file.isLink),
            "mode": .int(file.permissions),
          ]
        }),
      "deleted": .array(deleted.map { .string(PathText.encode($0)) }),
    ]
  }

  init(
    worker: String, repository: String, branch: String?, head: ObjectID?, base: ObjectID, files: [File],
    deleted: [FilePath], reasons: [String], parkedAt: Int64
  ) {
    self.worker = worker
    self.repository = repository
    self.branch = branch
    self.head = head
    self.base = base
    self.files = files
    self.deleted = deleted
    self.reasons = reasons
    self.parkedAt = parkedAt
  }

  /// `nil` for what this version did not write: a ref is open to everybody, so nothing in it is taken on trust.
  init?(json: JSON) {
    guard json["v"]?.int == 1, let worker = json["worker"]?.string,
      let base = json["base_oid"]?.string.flatMap(ObjectID.init)
    else { return nil }
    var files: [File] = []
    for item in json["files"]?.array ?? [] {
      guard let path = item["path"]?.string.flatMap(PathText.decode), let mode = item["mode"]?.int,
        let blob = item["blob"]?.string.flatMap(ObjectID.init)
      else { return nil }
      files.append(File(path: path, blob: blob, isLink: item["link"]?.bool ?? false, permissions: mode))
    }
    let deleted = (json["deleted"]?.array ?? []).compactMap { $0.string.flatMap(PathText.decode) }
    self.init(
      worker: worker, repository: json["repo"]?.string ?? "", branch: json["branch"]?.string,
      head: json["head"]?.string.flatMap(ObjectID.init), base: base, files: files, deleted: deleted,
      reasons: (json["reasons"]?.array ?? []).compactMap(\.string), parkedAt: json["parked_at"]?.int ?? 0)
  }

  /// The commit with the manifest, and the manifest, of a parked ref; `nil` for a ref that holds commits only.
  static func read(
    _ commit: ObjectID, in repository: borrowing Repository
  ) throws -> (details: ObjectID, work: ParkedWork)? {
    guard let details = try repository.parents(of: commit).last,
      let manifest = try repository.tree(details).first(where: { $0.name == fileName })
    else { return nil }
    guard let work = ParkedWork(json: try JSON(parsing: try repository.readBlob(manifest.id))) else {
      throw SandboxError(.unsupported, "\(commit.short) was not parked by this version of looop-fleet")
    }
    return (details, work)
  }

  /// What a worker's name means of all that is parked: the newest of its own, which a number may tell from earlier ones. By that number as well
  /// whoever asks may name it.
  static func newest(
    of worker: SandboxName, in repository: borrowing Repository
  ) throws -> SandboxWork.Parked? {
    var newest: (age: (Int64, Int), parked: SandboxWork.Parked)?
    var unreadable: SandboxError?
    for reference in try repository.references(matching: SandboxName.parkedPrefix + worker.text + "*") {
      let name = String(reference.name.dropFirst(SandboxName.parkedPrefix.count))
      guard let number = worker.number(of: name) else { continue }
      do {
        let work = try read(reference.target, in: repository)?.work
        // Of commits alone only the ref's name tells whose they are.
        guard number == 1 || work?.worker == worker.text else { continue }
        let age = (work?.parkedAt ?? 0, number)
        if let newest, newest.age > age { continue }
        newest = (age, try parked(reference.name, reference.target, work, in: repository))
      } catch {
        // A ref is open to everybody: one that anybody may have made with a number is in nobody's way.
        if number == 1 { unreadable = refusal(of: reference.name, error, in: repository) }
      }
    }
    if newest == nil, let unreadable { throw unreadable }
    return newest?.parked
  }

  private static func parked(
    _ ref: String, _ target: ObjectID, _ work: ParkedWork?, in repository: borrowing Repository
  ) throws -> SandboxWork.Parked {
    if let work { return SandboxWork.Parked(ref: ref, time: work.parkedAt, commit: target, work: work) }
    return SandboxWork.Parked(
      ref: ref, time: try repository.committedAt(target), commit: try LonelyCommits.tip(of: target, in: repository))
  }

  private static func refusal(of ref: String, _ error: any Error, in repository: borrowing Repository) -> SandboxError {
    SandboxError(
      .unsupported, "\(ref) cannot be read: \(SandboxError(error).message)",
      hint: "look at it; if nobody needs it: git -C \(repository.commonDirectory.string.shellWord) update-ref -d \(ref)"
    )
  }
}
