extension CommandRules {
  static let temporary = ["/tmp", "/var/tmp"]

  private var places: [String] { [dataDirectory] + [worktree].compactMap { $0 } + Self.temporary }

  /// Whether a path lies in the data dir or in a temporary place, as far as its text tells.
  func isOurs(_ word: ShellWord, _ around: Surroundings) -> Bool {
    guard !around.isRemote, let path = concrete(word, around) else { return false }
    return path == dataDirectory || places.contains { LexicalPath.isStrictlyInside(path, $0) }
  }

  /// The same, and not the data dir or the temporary place as a whole.
  func mayDelete(_ word: ShellWord, _ around: Surroundings) -> Bool {
    guard !around.isRemote, let path = concrete(word, around) else { return false }
    guard let root = places.first(where: { LexicalPath.isStrictlyInside(path, $0) }) else { return false }
    // `*` in the data dir is all of it.
    let first = path.dropFirst(root.count + 1).prefix { $0 != "/" }
    return !(word.hasGlob && first.allSatisfy { "*?.[]!".contains($0) })
  }

  /// For `find ROOT -delete`, which may clean up below the data dir itself by its own conditions.
  func mayDeleteBelow(_ word: ShellWord, _ around: Surroundings) -> Bool {
    guard !around.isRemote, let path = concrete(word, around) else { return false }
    return places.contains { path == $0 || LexicalPath.isStrictlyInside(path, $0) }
  }

  /// The absolute path that a word means; `nil` where only the run will know.
  func concrete(_ word: ShellWord, _ around: Surroundings) -> String? {
    // Behind a known directory an unknown last part stays below it, as long as it cannot climb: `..` comes from values too.
    guard !word.isDynamic, !(word.text.hasPrefix("~") && !word.isQuoted) else { return nil }
    return LexicalPath.joined(around.directory, word.text)
  }

  /// Rules that a row cannot say. The reason, or `nil`.
  func special(_ call: ProgramCall, _ around: Surroundings) -> String? {
    switch call.program {
    case "rm", "unlink", "shred", "truncate", "srm":
      if call.isRehearsal { return nil }
      let operands =
        call.program == "truncate" ? call.positionals.dropFirst(call.has("-s") ? 1 : 0) : call.positionals[...]
      if let reason = operands.lazy.compactMap({ guarded($0, around, isRemoval: true) }).first { return reason }
      let outside = operands.first { !mayDelete($0, around) }
      // In a sensor, `rm "$tmp"` is the end of every careful script.
      if around.leniency == .sensor, let outside, outside.isDynamic { return nil }
      return outside.map { "deletes \($0.text), outside the data dir" }
    case "dd":
      guard let target = call.arguments.first(where: { $0.text.hasPrefix("of=") }) else { return nil }
      var path = target
      path.text = String(target.text.dropFirst(3))
      if ["/dev/null", "/dev/zero", "/dev/stdout", "/dev/stderr"].contains(path.text) { return nil }
      return guarded(path, around) ?? (isOurs(path, around) ? nil : "overwrites \(path.text)")
    case "git": return gitReason(call)
    case "curl", "wget", "http", "https", "xh", "httpie": return httpReason(call, around.leniency)
    case "gh", "glab": return forgeReason(call)
    case "psql", "mysql", "mariadb", "sqlite3", "clickhouse-client", "cockroach", "sqlcmd", "duckdb":
      return sqlReason(call, around)
    default: return nil
    }
  }
}
