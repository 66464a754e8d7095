extension CommandRules {
  /// Branches that people and deployments follow.
  static let protectedBranches = [
    "main", "master", "trunk", "develop", "dev", "production", "prod", "staging", "stable", "release", "release/*",
    "release-*", "releases/*", "gh-pages",
  ]

  func gitReason(_ call: ProgramCall) -> String? {
    if call.options.contains("--help") { return nil }
    let rest = call.positionals.dropFirst()
    switch call.positionals.first?.text {
    case "push": return pushReason(call, Self.pushWords(call))
    case "merge":
      let harmless = ["--abort", "--quit", "--continue"].contains { call.options.contains($0) }
      return rest.isEmpty || harmless ? nil : "merges"
    case "reset": return call.options.contains("--hard") ? "throws uncommitted work away" : nil
    case "clean":
      return call.has("-f") || call.options.contains("--force")
        ? (call.has("-n") || call.options.contains("--dry-run") ? nil : "deletes untracked files") : nil
    case "checkout":
      let discards =
        call.has("-f") || call.options.contains("--force") || call.options.contains("--") || rest.first?.text == "."
      return discards ? "throws uncommitted work away" : nil
    case "restore":
      let onlyIndex =
        (call.options.contains("--staged") || call.has("-S"))
        && !(call.options.contains("--worktree") || call.has("-W"))
      return onlyIndex ? nil : "throws uncommitted work away"
    case "switch":
      return call.options.contains("--discard-changes") || call.has("-f") || call.options.contains("--force")
        ? "throws uncommitted work away" : nil
    case "branch":
      let deletes = call.has("-D") || (call.options.contains("--delete") && call.options.contains("--force"))
      return deletes ? "deletes a branch that may not be merged" : nil
    case "stash":
      return ["drop", "clear"].contains(rest.first?.text) ? "deletes stashed work" : nil
    case "reflog":
      return ["expire", "delete"].contains(rest.first?.text) ? "deletes the way back" : nil
    case "filter-branch", "filter-repo": return "rewrites history"
    case "update-ref": return call.has("-d") || call.options.contains("--delete") ? "deletes a ref" : nil
    case "gc", "prune":
      return call.options.contains("--prune") || call.positionals.first?.text == "prune"
        ? "deletes unreachable work" : nil
    case "worktree":
      return rest.first?.text == "remove" && (call.has("-f") || call.options.contains("--force"))
        ? "deletes a worktree with what is unsaved in it" : nil
    case "send-email": return "sends mail"
    case "svn":
      return rest.first?.text == "dcommit" ? "publishes commits" : nil
    default: return nil
    }
  }

  private func pushReason(_ call: ProgramCall, _ words: [ShellWord]) -> String? {
    if call.options.contains("--dry-run") || call.has("-n") { return nil }
    for option in ["--mirror", "--all", "--branches", "--tags", "--follow-tags", "--prune"]
    where call.options.contains(option) {
      return "pushes more than one branch (\(option))"
    }
    if call.options.contains("--delete") || call.has("-d") { return "deletes a branch or tag for everybody" }
    let refs = words.dropFirst()
    guard !refs.isEmpty else { return "pushes whichever branch is checked out" }
    if refs.first?.text == "tag" { return "pushes a tag" }
    for word in refs {
      if word.isDynamic { return "pushes \(word.text), which only the run will know" }
      var text = word.text.hasPrefix("+") ? String(word.text.dropFirst()) : word.text
      if text.hasPrefix(":") { return "deletes \(text.dropFirst()) for everybody" }
      if let colon = text.lastIndex(of: ":") { text = String(text[text.index(after: colon)...]) }
      if text.hasPrefix("refs/tags/") || text.hasPrefix("tags/") { return "pushes a tag" }
      text = Self.branchName(text)
      if text == "HEAD" || text == "@" { return "pushes whichever branch is checked out" }
      if text.contains("*") { return "pushes more than one branch" }
      let lower = text.lowercased()
      if Self.protectedBranches.contains(where: { Glob.matches($0, lower) }) { return "pushes to \(text)" }
      if Self.looksLikeVersion(lower) { return "pushes a tag" }
    }
    return nil
  }

  /// `refs/heads/main` and `heads/main` are `main`.
  static func branchName(_ ref: String) -> String {
    for prefix in ["refs/heads/", "heads/"] where ref.hasPrefix(prefix) { return String(ref.dropFirst(prefix.count)) }
    return ref
  }

  /// Options of `git push` whose value would pass for the remote.
  private static let pushValued: Set<String> = ["-o", "--push-option", "--receive-pack", "--exec"]

  /// The remote and the refs of a push.
  private static func pushWords(_ call: ProgramCall) -> [ShellWord] {
    guard let verb = call.positionals.first, let index = call.arguments.firstIndex(of: verb) else { return [] }
    var words: [ShellWord] = []
    var rest = call.arguments[(index + 1)...]
    while let word = rest.popFirst() {
      if word.text == "--" { return words + rest }
      guard word.text.hasPrefix("-"), word.text != "-" else {
        words.append(word)
        continue
      }
      let endsBundle = !word.text.hasPrefix("--") && word.text.last == "o"
      if pushValued.contains(word.text) || endsBundle { _ = rest.popFirst() }
    }
    return words
  }

  /// `v1.2.3`, `1.2`, `v2`.
  private static func looksLikeVersion(_ text: String) -> Bool {
    let digits = text.hasPrefix("v") ? text.dropFirst() : text[...]
    guard let first = digits.first, first.isNumber else { return false }
    return text.hasPrefix("v") || digits.prefix { $0.isNumber || $0 == "." }.contains(".")
  }
}
