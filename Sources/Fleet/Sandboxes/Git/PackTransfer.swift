import CGit2
import SystemPackage
import Tenant

/// Copies commits, and all that belongs to them, from one repository into another's objects, as one pack. No transport, no
/// configuration of either side, no program.
enum PackTransfer {
  /// `hiding`: commits that the other side has already.
  static func copy(
    _ tips: [ObjectID], from repository: borrowing Repository, to common: FilePath, hiding known: [ObjectID]
  ) throws {
    guard !tips.isEmpty, !(try repository.commits(from: tips, notIn: known, limit: 1).isEmpty) else { return }
    var walk: OpaquePointer?
    try check("walk the history", unsafe git_revwalk_new(&walk, repository.pointer))
    defer { unsafe git_revwalk_free(walk) }
    for tip in tips {
      var raw = tip.raw
      try check("walk from \(tip)", unsafe git_revwalk_push(walk, &raw))
    }
    for id in known where repository.isCommit(id) {
      var raw = id.raw
      try check("hide \(id)", unsafe git_revwalk_hide(walk, &raw))
    }
    var builder: OpaquePointer?
    try check("build a pack", unsafe git_packbuilder_new(&builder, repository.pointer))
    defer { unsafe git_packbuilder_free(builder) }
    try check("collect objects", unsafe git_packbuilder_insert_walk(builder, walk))
    guard unsafe git_packbuilder_object_count(builder) > 0 else { return }
    let place = common.appending("objects/pack")
    try Directory.create(place)
    let status = GitRuntime.withSynchronousWrites { unsafe git_packbuilder_write(builder, place.string, 0, nil, nil) }
    try check("write a pack to \(place)", status)
  }
}
