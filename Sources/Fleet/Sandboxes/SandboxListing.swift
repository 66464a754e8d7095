import SystemPackage
import Tenant

/// What a tenant's sandboxes occupy, each and together.
enum SandboxListing {
  static func run(_ layout: SandboxLayout) -> JSON {
    let trees = Files.names(layout.trees).map { name -> JSON in
      let use = DiskUse.of(layout.trees.appending(name))
      return ["worker": .string(name), "bytes": .int(use.bytes), "files": .int(use.files)]
    }
    func bytes(_ path: FilePath) -> Int64 { DiskUse.of(path).bytes }
    let pool = Files.names(layout.pool).filter { !$0.hasSuffix(".requests") }.map { name -> JSON in
      let count = Files.names(layout.pool.appending(name)).count
      return ["repo": .string(name), "ready": .int(Int64(count)), "bytes": .int(bytes(layout.pool.appending(name)))]
    }
    let total = bytes(layout.root)
    return [
      "sandboxes": .array(trees), "pool": .array(pool), "trash_bytes": .int(bytes(layout.trash)),
      "private_bytes": .int(bytes(layout.repositories)), "total_bytes": .int(total),
      "free_bytes": .optional(DiskUse.free(at: layout.root)),
    ]
  }
}
