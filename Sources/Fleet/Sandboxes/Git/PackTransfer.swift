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
    let place = common.appending("objects/pack")
    try Directory.create(place)
    guard let name = try unsafe write(from: repository, to: place, collect), stays else { return }
    try Files.write("looop: borrowed from elsewhere no longer\n", to: place.appending("\(name).keep"))
  }

  /// The pack's name, or `nil` where there is nothing to write.
  private static func write(
    from repository: borrowing Repository, to place: FilePath, _ collect: (OpaquePointer) throws(GitError) -> Void
  ) throws -> String? {
    var builder: OpaquePointer?
    try check("build a pack", unsafe git_packbuilder_new(&builder, repository.pointer))
    defer { unsafe git_packbuilder_free(builder) }
    try unsafe collect(builder!)
    guard unsafe git_packbuilder_object_count(builder) > 0 else { return nil }
    let status = GitRuntime.withSynchronousWrites { unsafe git_packbuilder_write(builder, place.string, 0, nil, nil) }
    try check("write a pack to \(place)", status)
    return unsafe git_packbuilder_name(builder).map { name in unsafe "pack-\(String(cString: name))" }
  }
}

extension PackTransfer {
  /// Brings these objects into `common` as a pack that nobody's housekeeping takes away before its mark is removed; the answer is the mark.
  ///
  /// As git receives packs: first the mark, the index last, so that nobody sees the pack without its mark.
  /// - `aside`: a directory on the same file system, to write in.
  static func bring(
    _ objects: [ObjectID], from repository: borrowing Repository, to common: FilePath, aside: FilePath
  ) throws -> FilePath? {
    try Directory.create(aside)
    let written = try unsafe write(from: repository, to: aside) { builder throws(GitError) in
      for object in objects {
        var raw = object.raw
        try check("collect \(object)", unsafe git_packbuilder_insert(builder, &raw, nil))
      }
    }
    guard let name = written else { return nil }
    let place = common.appending("objects/pack")
    try Directory.create(place)
    let mark = place.appending("\(name).keep")
    try AtomicFile.write(markText, to: mark)
    do {
      for ending in [".pack", ".idx"] {
        let target = place.appending(name + ending)
        // One of this name has the same objects.
        guard AtomicFile.rename(from: aside.appending(name + ending), to: target) == 0 else {
          throw HostError.last("rename to", target)
        }
      }
      try AtomicFile.synchronizeDirectory(place)
    } catch {
      AtomicFile.remove(mark)
      throw error
    }
    return mark
  }

  private static let markText = "looop: until a ref leads to it\n"

  /// Marks of who died before its ref was there.
  static func deadMarks(in common: FilePath, age: Int64) -> [FilePath] {
    let place = common.appending("objects/pack")
    return Files.names(place).filter { $0.hasSuffix(".keep") }.map { place.appending($0) }
      .filter { FileReading.of($0, maximumBytes: 4096).text == markText && Files.isOlder($0, than: age) }
  }
}
