import CLinux
import Glibc
import SystemPackage
import Tenant

/// What a commit needs that libgit2 cannot give: filter programs (LFS), other encodings, submodules. It is filled in by `git`
/// after the checkout, as the tenant, with nothing that the repository's own configuration could slip in.
struct ExternalContent: Hashable, Sendable {
  var filters: Set<String> = []
  var reencodes = false
  var hasSubmodules = false

  func covers(_ other: ExternalContent) -> Bool {
    filters.isSuperset(of: other.filters) && (reencodes || !other.reencodes) && (hasSubmodules || !other.hasSubmodules)
  }

  var isEmpty: Bool { filters.isEmpty && !reencodes && !hasSubmodules }

  /// A quick look at the top of the tree, where most projects say so: what is refused is refused before anything is written.
  static func atTop(of commit: ObjectID, in repository: borrowing Repository) throws(GitError) -> ExternalContent {
    var needs = ExternalContent()
    var attributes: [ObjectID] = []
    for item in try repository.tree(commit) where !item.isTree {
      if item.name == ".gitmodules" { needs.hasSubmodules = true }
      if item.name == ".gitattributes" { attributes.append(item.id) }
    }
    try needs.read(attributes, repository)
    return needs
  }

  /// What all attributes of a commit ask for.
  mutating func read(_ attributes: [ObjectID], _ repository: borrowing Repository) throws(GitError) {
    var texts = [FileReading.of(repository.commonDirectory.appending("info/attributes")).text ?? ""]
    for id in attributes { texts.append(String(decoding: try repository.readBlob(id), as: UTF8.self)) }
    for word in texts.joined(separator: "\n").split(whereSeparator: { " \t\n\r".contains($0) }) {
      if word.hasPrefix("filter=") { filters.insert(String(word.dropFirst("filter=".count))) }
      if word.hasPrefix("working-tree-encoding=") { reencodes = true }
    }
  }

  /// Refuses in words what cannot be filled in here: by the source's own word, and by that of the private repository whose worktree it
  /// becomes, where another worker may have said something else.
  func admit(source: FilePath, common: FilePath) throws {
    guard !isEmpty else { return }
    let about: Set<String> = ["lfs", "filter", "encoding", "submodules"]
    for repository in source == common ? [source] : [source, common] {
      var probe = PreflightProbe(path: repository)
      probe.assumed = self
      let refused = PreflightFinding.all(probe.run()).first { $0.level == .refused && about.contains($0.name) }
      guard let refused else { continue }
      throw SandboxError(
        .unsupported, "\(repository): \(refused.means)", hint: "see: looop-fleet sandbox preflight TENANT/REPO")
    }
  }

  /// Fills it in. The files that a filter makes are taken away first, so that git writes them and nothing else.
  func fill(_ worktree: Worktree, tree: FilePath, commit: ObjectID, deadline: Double) throws {
    try filter(worktree, tree, commit, sparing: [], deadline)
    // `--checkout`: whatever way of updating a configuration names, which may be a command.
    if hasSubmodules {
      try git(["submodule", "--quiet", "update", "--init", "--recursive", "--checkout"], in: tree, deadline)
    }
  }

  /// Writes the files that a filter makes, except those that somebody had changed or deleted.
  func filter(
    _ worktree: Worktree, _ tree: FilePath, _ commit: ObjectID, sparing changed: Set<FilePath>, _ deadline: Double
  ) throws {
    guard !filters.isEmpty || reencodes else { return }
    let repository = try Repository(opening: worktree.common, bare: true)
    let paths = try repository.externallyFiltered(in: commit).filter { !changed.contains($0) }
    guard !paths.isEmpty else { return }
    for path in paths { try TreeRemoval.remove(tree.pushing(path)) }
    try git(["checkout-index", "--force", "--index", "--quiet", "-z", "--stdin"], in: tree, deadline, input: paths)
  }

  private func localHelpers(_ tree: FilePath) throws -> [String] {
    let common = try Repository(opening: tree).commonDirectory
    let settings = (try? Repository.settings(in: common.appending("config"))) ?? []
    return Set(settings.map(\.key).filter { $0.hasPrefix("credential.") && $0.hasSuffix(".helper") }).sorted()
  }

  private func git(_ arguments: [String], in tree: FilePath, _ deadline: Double, input: [FilePath] = []) throws {
    guard let program = Tools.find("git") else { throw SandboxError(.unsupported, "git is not installed") }
    var safe = [
      "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.sshCommand=ssh", "core.askPass=true", "core.pager=cat",
      "credential.interactive=false", "core.alternateRefsCommand=true", "core.gitProxy=none",
      "protocol.ext.allow=never",
    ]
    // A way to log in that the repository itself names is a program of whoever wrote there; the user's own go with it.
    safe += try localHelpers(tree).map { "\($0)=" }
    // The well-known drivers, whatever the repository's configuration says they are.
    if filters.contains("lfs") {
      safe += [
        "filter.lfs.smudge=git-lfs smudge -- %f", "filter.lfs.clean=git-lfs clean -- %f",
        "filter.lfs.process=git-lfs filter-process", "filter.lfs.required=true",
      ]
    }
    let options = ["-C", tree.string] + safe.flatMap { ["-c", $0] }
    let environment = SandboxHook.clean(["GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"])
    var run = BoundedRun(
      Spawn(program, options + arguments, environment: environment, directory: tree),
      input: input.isEmpty ? nil : input.flatMap { PathText.bytes($0) + [0] }, deadline: deadline)
    run.mergeErrors = true
    run.reapGroup = true
    let outcome = run.run()
    guard outcome.reason.succeeded else {
      let said = String(decoding: outcome.output.suffix(1000), as: UTF8.self)
      throw SandboxError(
        .failed, "git \(arguments[0]) failed (\(outcome.reason.shellCode))", hint: said.isEmpty ? nil : said)
    }
  }
}
