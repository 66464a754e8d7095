import CGit2
import SystemPackage
import Tenant

/// Copies commits, and all that belongs to them, from one repository into another's objects, as one pack. No transport, no
/// configuration of either side, no program.
enum PackTransfer {
  /// - `hiding`: commits that the other side has already.
  /// - `stays`: no `git gc` takes the pack away, not even where all of it can be borrowed from elsewhere as well.
  static func copy(
    _ tips: [ObjectID], from repository: borrowing Repository, to common: FilePath, hiding known: [ObjectID],
    stays: Bool = false
  ) throws {
    guard !tips.isEmpty, !(try repository.commits(from: tips, notIn: known, limit: 1).isEmpty) else { return }
    var walk: OpaquePointer?
    try check("walk the history", unsafe git_revwalk_new(&walk, repository.pointer))
    defer { unsafe git_revwalk_free(walk) }
    for tip in tips {
      var raw = tip.raw
      try check("walk from \(tip)", unsafe git_revwalk_push(walk, &raw))
    }
    for id in Set(known) {
      var raw = id.raw
      // Tags lead to commits; what leads to none, or is not here, hides nothing.
      _ = unsafe git_revwalk_hide(walk, &raw)
    }
    unsafe try pack(from: repository, to: common, stays: stays) { builder throws(GitError) in
      try check("collect objects", unsafe git_packbuilder_insert_walk(builder, walk))
    }
  }

  /// These objects and nothing that they lead to.
  static func copy(objects: [ObjectID], from repository: borrowing Repository, to common: FilePath) throws {
    guard !objects.isEmpty else { return }
    unsafe try pack(from: repository, to: common, stays: true) { builder throws(GitError) in
      for object in objects {
        var raw = object.raw
        try check("collect \(object)", unsafe git_packbuilder_insert(builder, &raw, nil))
      }
    }
  }

  private static func pack(
    from repository: borrowing Repository, to common: FilePath, stays: Bool,
    _ collect: (OpaquePointer) throws(GitError) -> Void
  ) throws {
    var builder: OpaquePointer?
    try check("build a pack", unsafe git_packbuilder_new(&builder, repository.pointer))
    defer { unsafe git_packbuilder_free(builder) }
    try unsafe collect(builder!)
    guard unsafe git_packbuilder_object_count(builder) > 0 else { return }
    let place = common.appending("objects/pack")
    try Directory.create(place)
    let status = GitRuntime.withSynchronousWrites { unsafe git_packbuilder_write(builder, place.string, 0, nil, nil) }
    try check("write a pack to \(place)", status)
    if stays, let name = unsafe git_packbuilder_name(builder) {
      try Files.write(
        "looop: borrowed from elsewhere no longer\n", to: place.appending("pack-\(unsafe String(cString: name)).keep"))
    }
  }
}
