import CLinux
import Glibc
import SystemPackage
import Tenant

/// Gathers the facts of a preflight. Configuration is read as a file first: libgit2 may refuse to open the repository at all,
/// and then says too little.
struct PreflightProbe: Sendable {
  var path: FilePath
  var base = "HEAD"
  /// What is to be filled in, where that is known already; else the base tells.
  var assumed: ExternalContent?

  func run() -> PreflightFacts {
    var facts = PreflightFacts()
    let git = Self.gitDirectory(path)
    guard Files.exists(git.appending("HEAD")), Files.isDirectory(git.appending("objects")) else {
      facts.isRepository = false
      return facts
    }
    facts.isOwned = Files.status(git)?.st_uid == geteuid() || trusted(git)
    facts.isWritable = unsafe access(git.appending("refs").string, W_OK) == 0
    facts.isShallow = Files.exists(git.appending("shallow"))
    facts.tools = Set(["git", "git-lfs"].filter { Tools.find($0) != nil })
    // A checkout's own settings (`git sparse-checkout`) are in a file beside it.
    let settings = ["config", "config.worktree"].flatMap { name in
      (try? Repository.settings(in: git.appending(name))) ?? []
    }
    read(settings, &facts)
    do throws(GitError) {
      let repository = try Repository(opening: path)
      facts.hasBranchNamedLooop = try repository.target(of: "refs/heads/looop") != nil
      try look(repository, settings, &facts)
    } catch {
      if error.isForeignOwner { facts.isOwned = false } else { facts.openError = error.message }
    }
    return facts
  }

  /// `path` itself, its `.git`, or where its `.git` file points; for a worktree, the common directory.
  static func gitDirectory(_ path: FilePath) -> FilePath {
    var git = path.appending(".git")
    if !Files.exists(git) { return path }
    if !Files.isDirectory(git), let line = Files.line(git), line.hasPrefix("gitdir: ") {
      git = path.pushing(FilePath(String(line.dropFirst("gitdir: ".count)))).lexicallyNormalized()
    }
    if let common = Files.line(git.appending("commondir")) { git = git.pushing(FilePath(common)).lexicallyNormalized() }
    return git
  }

  private func trusted(_ git: FilePath) -> Bool { (try? Repository(opening: path)) != nil }

  private func read(_ settings: [Repository.Setting], _ facts: inout PreflightFacts) {
    let version = settings.last { $0.key == "core.repositoryformatversion" }?.value ?? "0"
    // Whether each spares our branches.
    var mirrors: [String: Bool] = [:]
    defer { facts.mirrors = mirrors.filter { !$0.value }.keys.sorted() }
    for setting in settings {
      if setting.key.hasPrefix("extensions.") {
        let name = String(setting.key.dropFirst("extensions.".count))
        if name == "partialclone" { facts.isPartial = true }
        if name == "objectformat" { facts.objectFormat = setting.value.lowercased() }
        // At version 0 the others are not in force; git and libgit2 ignore them.
        if version != "0", !(name == "objectformat" && setting.value.lowercased() == "sha1"),
          !(name == "refstorage" && setting.value.lowercased() == "files"), setting.value.lowercased() != "false"
        {
          facts.extensions.insert(name)
        }
      }
      if setting.key.hasPrefix("remote."), setting.key.hasSuffix(".promisor"), setting.value == "true" {
        facts.isPartial = true
      }
      if setting.key == "core.sparsecheckout", setting.value == "true" { facts.isSparse = true }
      if setting.key.hasPrefix("remote."), setting.key.hasSuffix(".fetch") {
        let remote = String(setting.key.dropFirst("remote.".count).dropLast(".fetch".count))
        let target = setting.value.split(separator: ":").last.map(String.init)
        if target == "refs/*" || target == "refs/heads/*" { mirrors[remote, default: false] = mirrors[remote] ?? false }
        if setting.value.hasPrefix("^refs/heads/looop/") { mirrors[remote] = true }
      }
      if DangerousSettings.contains(setting.key), !facts.programs.contains(setting.key) {
        facts.programs.append(setting.key)
      }
    }
  }

  private func look(
    _ repository: borrowing Repository, _ settings: [Repository.Setting], _ facts: inout PreflightFacts
  ) throws(GitError) {
    var needs = assumed ?? ExternalContent()
    if assumed == nil {
      guard let commit = try? repository.commit(base) else {
        facts.hasCommit = false
        return
      }
      needs.hasSubmodules = try repository.tree(commit).contains { $0.name == ".gitmodules" }
      try needs.read(try repository.attributeFiles(in: commit), repository)
    }
    facts.hasSubmodules = needs.hasSubmodules
    facts.filters = needs.filters
    facts.reencodes = needs.reencodes
    for filter in facts.filters {
      // One word of the repository's own is enough to run another program: git prefers a process to a smudge.
      let isLocal = settings.contains { $0.key.hasPrefix("filter.\(filter).") }
      let keys = ["filter.\(filter).smudge", "filter.\(filter).process"]
      if !isLocal, keys.contains(where: { repository.configuration($0) != nil }) {
        facts.trustedFilters.insert(filter)
      }
    }
  }
}

/// Programs that a helper may run as the tenant.
enum Tools {
  static func find(_ name: String) -> FilePath? {
    let path = HostEnvironment.current()["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return path.split(separator: ":").lazy.map { FilePath(String($0)).appending(name) }
      .first { unsafe $0.isAbsolute && access($0.string, X_OK) == 0 }
  }
}
