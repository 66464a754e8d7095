import CGit2
import SystemPackage

extension Repository {
  /// One line of a configuration file.
  struct Setting: Hashable, Sendable {
    var key: String
    var value: String
  }

  /// What a configuration file itself says (what it includes as well), in its order. A file that is not there says nothing.
  static func settings(in file: FilePath) throws(GitError) -> [Setting] {
    try GitRuntime.start()
    var config: OpaquePointer?
    try check("read \(file)", unsafe git_config_open_ondisk(&config, file.string))
    defer { unsafe git_config_free(config) }
    var iterator: OpaquePointer?
    try check("read \(file)", unsafe git_config_iterator_new(&iterator, config))
    defer { unsafe git_config_iterator_free(iterator) }
    var found: [Setting] = []
    var entry: UnsafeMutablePointer<git_config_entry>?
    while unsafe git_config_next(&entry, iterator) == 0, let entry = unsafe entry {
      let value = unsafe entry.pointee.value.map { unsafe String(cString: $0) } ?? "true"
      found.append(Setting(key: unsafe String(cString: entry.pointee.name), value: value))
    }
    return found
  }

  /// Only for repositories that are ours: nothing here writes the configuration of a repository that the user named.
  func setConfiguration(_ key: String, _ value: String) throws(GitError) {
    var config: OpaquePointer?
    try check("open the configuration", unsafe git_repository_config(&config, pointer))
    defer { unsafe git_config_free(config) }
    var local: OpaquePointer?
    try check("open the configuration", unsafe git_config_open_level(&local, config, GIT_CONFIG_LEVEL_LOCAL))
    defer { unsafe git_config_free(local) }
    try check("set \(key)", unsafe git_config_set_string(local, key, value))
  }

  /// What a worker needs from the source's own configuration: who it is, where it can push, how lines end. Nothing that
  /// names a program.
  func copyConfiguration(to other: borrowing Repository) throws(GitError) {
    let plain: Set<String> = ["user.name", "user.email", "core.autocrlf", "core.eol", "core.symlinks"]
    for setting in try Self.settings(in: commonDirectory.appending("config")) {
      let isRemote =
        setting.key.hasPrefix("remote.")
        && [".url", ".fetch", ".pushurl"].contains { setting.key.hasSuffix($0) }
      // `ext::` urls are commands.
      guard plain.contains(setting.key) || isRemote, !setting.value.hasPrefix("ext::") else { continue }
      try other.setConfiguration(setting.key, setting.value)
    }
  }
}
