import CLinux
import SystemPackage
import Tenant

/// All of a tenant's sandboxes: who works where, what is kept and why, what would become of it, what is warm, what is parked,
/// what an audit took away. Changes nothing.
struct SandboxListing {
  var layout: SandboxLayout
  var places: [RepositoryPlace]
  /// What cannot be opened of the tenant's repositories, in words, by name.
  var broken: [String: String]
  var workers: [String: CollectionAge.Worker]
  var age: CollectionAge
  var users: TreeUsers

  /// *Request*: `{repos, users?, live?: [id], workers?: [{id, live, outcome?, ended_at?}], keep_s?: {default, failed, unknown}}`
  init(_ request: SandboxRequest) throws {
    layout = try request.layout()
    users = try TreeUsers(request)
    (places, broken) = try RepositoryPlace.reachable(request)
    workers = [:]
    for item in request.document["workers"]?.array ?? [] {
      guard let id = item["id"]?.string else { continue }
      workers[id] = CollectionAge.Worker(
        isLive: item["live"]?.bool ?? true, outcome: item["outcome"]?.string ?? "default",
        endedAt: item["ended_at"]?.int)
    }
    for id in request.texts("live") { workers[id] = CollectionAge.Worker(isLive: true, outcome: "default") }
    age = CollectionAge(
      keep: (request.document["keep_s"]?.object ?? [:]).compactMapValues(\.int), now: Files.now)
  }

  func run() -> [JSON] {
    trees() + places.flatMap { pooled($0) + parked($0) } + quarantined()
  }

  // MARK: - Worktrees

  /// `due`: worker and age speak for collection, and `verdict` says what it would do; `in_use`: processes of somebody's hold it.
  func trees() -> [JSON] {
    Files.names(layout.trees).map { name in
      let tree = layout.trees.appending(name)
      let home = home(of: tree, name)
      let note = home?.worktree.note
      var row: JSON = [
        "worker": .string(name), "repo": .string(home?.place.name.text ?? note?.repository ?? ""),
        "path": .string(tree.string), "branch": .optional(note?.branch.map(SandboxVerb.shortBranch)),
        "bytes": .int(DiskUse.of(tree).bytes), "created_at": .optional(note?.createdAt), "due": false,
        "verdict": "keep",
      ]
      let modified = Files.status(tree).map { Int64($0.st_mtim.tv_sec) } ?? 0
      row["state"] = workers[name]?.isLive == true ? "in_use" : "kept"
      if let reason = age.reasonToKeep(workers[name], modifiedAt: modified) {
        row["reason"] = .string(reason)
        return row
      }
      guard let home else {
        let unknown = "no repository of the tenant's knows this tree"
        let why = broken.isEmpty ? unknown : "\(unknown); " + broken.values.sorted().joined(separator: "; ")
        row["reason"] = .string(why)
        return row
      }
      let facts = SandboxInspection(common: home.common, tree: tree, users: users).run().facts
      let verdict = CollectionVerdict(facts)
      row["due"] = true
      row["in_use"] = .bool(!facts.users.isEmpty)
      row["verdict"] = .string(verdict.name)
      row["reason"] = .string(verdict.reasons.joined(separator: ", "))
      return row
    }
  }

  private struct Home {
    var place: RepositoryPlace
    var common: FilePath
    var worktree: Worktree
  }

  /// Which repository a tree belongs to: it must be one that the configuration names, or its private twin.
  private func home(of tree: FilePath, _ worker: String) -> Home? {
    for place in places {
      for common in place.homes {
        if let found = Worktree.of(tree: tree, common: common), found.isWhole || found.note?.worker == worker {
          return Home(place: place, common: common, worktree: found)
        }
      }
    }
    return nil
  }

  // MARK: - What is no worktree

  private func row(
    _ worker: String?, _ repository: String, _ path: FilePath, state: String, reason: String?, branch: String? = nil,
    bytes: Int64? = nil, createdAt: Int64? = nil
  ) -> JSON {
    [
      "worker": .optional(worker), "repo": .string(repository), "path": .string(path.string),
      "branch": .optional(branch), "state": .string(state), "reason": .optional(reason), "bytes": .optional(bytes),
      "created_at": .optional(createdAt), "due": false, "verdict": .null,
    ]
  }

  private func pooled(_ place: RepositoryPlace) -> [JSON] {
    WarmPool(layout: layout, repository: place.name).places().map {
      row(
        nil, place.name.text, $0.path, state: "warm", reason: "ready at \($0.commit.short)", bytes: $0.bytes,
        createdAt: $0.readyAt)
    }
  }

  /// Named by its ref, which is what `sandbox restore` takes: a worker may have parked more than once.
  private func parked(_ place: RepositoryPlace) -> [JSON] {
    place.homes.flatMap { common -> [JSON] in
      guard let repository = try? Repository(opening: common, bare: true) else { return [] }
      let references = (try? repository.references(matching: SandboxName.parkedPrefix + "*")) ?? []
      return references.map { reference in
        let work = try? ParkedWork.read(reference.target, in: repository)?.work
        return row(
          String(reference.name.dropFirst(SandboxName.parkedPrefix.count)), place.name.text, common, state: "parked",
          reason: work?.reasons.joined(separator: ", ") ?? "commits on no branch", branch: reference.name,
          createdAt: work?.parkedAt)
      }
    }
  }

  /// What workers changed for everybody and an audit took away: it stays until somebody has looked and removed it.
  private func quarantined() -> [JSON] {
    Files.names(layout.quarantine).map { name in
      let path = layout.quarantine.appending(name)
      let text = FileReading.of(path.appending(RepositoryAudit.findingsFile), maximumBytes: 1 << 16).text ?? ""
      let said = text.split(separator: "\n").suffix(3).joined(separator: "; ")
      return row(
        name, "", path, state: "quarantined",
        reason: "\(said.isEmpty ? "set aside by an audit" : said); remove the directory when you have looked",
        bytes: DiskUse.of(path).bytes)
    }
  }
}
