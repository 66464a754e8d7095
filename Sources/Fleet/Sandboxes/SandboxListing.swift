import SystemPackage
import Tenant

/// All of a tenant's sandboxes for people to look at: who works where, what is kept and why, what is warm, what is parked.
struct SandboxListing {
  var layout: SandboxLayout
  var request: SandboxRequest

  func run() throws -> [JSON] {
    let places = try RepositoryPlace.all(request)
    let live = Set(request.texts("live"))
    return trees(places, live) + pooled(places) + (try places.flatMap { try Self.parked($0) })
  }

  private func row(
    _ worker: String?, _ repository: String, _ path: FilePath, _ branch: String?, _ state: String, _ reason: String?,
    _ bytes: Int64?, _ createdAt: Int64?
  ) -> JSON {
    [
      "worker": .optional(worker), "repo": .string(repository), "path": .string(path.string),
      "branch": .optional(branch.map(SandboxVerb.shortBranch)), "state": .string(state), "reason": .optional(reason),
      "bytes": .optional(bytes), "created_at": .optional(createdAt),
    ]
  }

  private func trees(_ places: [RepositoryPlace], _ live: Set<String>) -> [JSON] {
    Files.names(layout.trees).map { name in
      let tree = layout.trees.appending(name)
      let homes = places.flatMap { place in place.homes.map { (place.name.text, $0) } }
      let found = homes.lazy.compactMap { repository, common in
        Worktree.of(tree: tree, common: common).map { (repository, common, $0) }
      }.first
      let note = found?.2.note
      let reason: String? =
        live.contains(name)
        ? nil
        : found.map {
          CollectionVerdict(SandboxInspection(common: $0.1, tree: tree).run().facts).reasons.joined(separator: ", ")
        }
          ?? "no repository of the tenant's knows it"
      return row(
        name, found?.0 ?? "", tree, note?.branch, live.contains(name) ? "in_use" : "kept", reason,
        DiskUse.of(tree).bytes, note?.createdAt)
    }
  }

  private func pooled(_ places: [RepositoryPlace]) -> [JSON] {
    places.flatMap { place in
      WarmPool(layout: layout, repository: place.name).places().map {
        row(nil, place.name.text, $0.path, nil, "warm", "ready at \($0.commit.short)", $0.bytes, $0.readyAt)
      }
    }
  }

  private static func parked(_ place: RepositoryPlace) throws -> [JSON] {
    try place.homes.flatMap { common -> [JSON] in
      let repository = try Repository(opening: common, bare: true)
      return try repository.references(matching: SandboxName.parkedPrefix + "*").map { reference in
        let work = try? ParkedWork.read(reference.target, in: repository)?.work
        let worker = work?.worker ?? String(reference.name.dropFirst(SandboxName.parkedPrefix.count))
        return [
          "worker": .string(worker), "repo": .string(place.name.text), "path": .string(common.string),
          "branch": .string(reference.name), "state": "parked",
          "reason": .string(work?.reasons.joined(separator: ", ") ?? "commits on no branch"), "bytes": .null,
          "created_at": .optional(work?.parkedAt),
        ]
      }
    }
  }

  /// What it all occupies: each tree, the pool, what waits for deletion, the private repositories.
  static func sizes(_ layout: SandboxLayout) -> JSON {
    let trees = Files.names(layout.trees).map { name -> JSON in
      let use = DiskUse.of(layout.trees.appending(name))
      return ["worker": .string(name), "bytes": .int(use.bytes), "files": .int(use.files)]
    }
    func bytes(_ path: FilePath) -> JSON { .int(DiskUse.of(path).bytes) }
    return [
      "sandboxes": .array(trees), "pool_bytes": bytes(layout.pool), "trash_bytes": bytes(layout.trash),
      "private_bytes": bytes(layout.repositories), "total_bytes": bytes(layout.root),
      "free_bytes": .optional(DiskUse.free(at: layout.root)),
    ]
  }
}
