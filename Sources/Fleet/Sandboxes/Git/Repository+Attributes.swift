import CGit2
import SystemPackage

extension Repository {
  /// Those of them that differ between two commits, or are new.
  func externallyFiltered(in tip: ObjectID, changedSince old: ObjectID) throws(GitError) -> [FilePath] {
    let before = try Index()
    let after = try Index()
    try before.read(commit: old, of: self)
    try after.read(commit: tip, of: self)
    return try externallyFiltered(in: tip).filter { before.id(at: $0) != after.id(at: $0) }
  }

  /// The paths of a commit that pass a filter program or another encoding, which libgit2 leaves out in silence.
  func externallyFiltered(in commit: ObjectID) throws(GitError) -> [FilePath] {
    let index = try Index()
    try index.read(commit: commit, of: self)
    var options = unsafe git_attr_options()
    unsafe options.version = UInt32(GIT_ATTR_OPTIONS_VERSION)
    unsafe options.flags = UInt32(GIT_ATTR_CHECK_INCLUDE_COMMIT)
    unsafe options.attr_commit_id = commit.raw
    var found: [FilePath] = []
    for position in 0..<index.count {
      guard let entry = unsafe index.entry(position) else { continue }
      for name in ["filter", "working-tree-encoding"] {
        var value: UnsafePointer<CChar>?
        try check(
          "read attributes", unsafe git_attr_get_ext(&value, pointer, &options, entry.pointee.path, name))
        guard unsafe git_attr_value(value) == GIT_ATTR_VALUE_STRING else { continue }
        found.append(unsafe FilePath(platformString: entry.pointee.path))
        break
      }
    }
    return found
  }
}
