import CLinux
import Glibc
import SystemPackage
import Tenant

/// What a repository's shared directory was like: all that a worker of one worktree could change for everybody else.
struct AuditSnapshot: Hashable, Sendable {
  /// A file that git reads as an instruction. Contents are kept so that they can be put back.
  struct Guarded: Hashable, Sendable {
    var contents: [UInt8]
    var permissions: Int64
    /// For one that is too large to keep, or closed to its own user: which file it was. It still runs, so it still counts.
    var stamp: String?
  }

  var directory: AuditedDirectory
  /// As the configuration named the repository of which it was the directory; nil for a private twin.
  var repository: FilePath?
  var settings: [Repository.Setting] = []
  /// By path below the common directory: configuration, hooks, attributes, alternates, …
  var files: [String: Guarded] = [:]
  /// Symbolic links, by path, with their targets.
  var links: [String: String] = [:]
  var references: [String: ObjectID] = [:]
  var head = ""
  /// The stash's entries, newest first.
  var stashes: [ObjectID] = []
  /// The names of all registered worktrees.
  var worktrees: Set<String> = []
  /// What their own configurations name to be run, as `key=value`, by path.
  var programs: [String: [String]] = [:]

  /// A file of these is instructions; anything larger than this is not a configuration that a person wrote.
  private static let largest = 1 << 20
  static let guarded = [
    "config", "info/attributes", "info/exclude", "info/sparse-checkout", "info/grafts", "objects/info/alternates",
    "objects/info/http-alternates", "shallow", "config.worktree", "commondir",
  ]

  static func take(common: FilePath, repository: FilePath?) throws -> AuditSnapshot {
    var snapshot = AuditSnapshot(directory: try AuditedDirectory(at: common), repository: repository)
    let hooks = Files.names(common.appending("hooks")).filter { !$0.hasSuffix(".sample") }.map { "hooks/\($0)" }
    for path in guarded + hooks { snapshot.read(path, common) }
    for name in Files.names(common.appending("worktrees")) { snapshot.readWorktree(name, common) }
    for path in topology(common) {
      if let target = Files.linkTarget(common.pushing(FilePath(path))) { snapshot.links[path] = target }
    }
    // A configuration that cannot be parsed is drift as well; its text is in `files`. Nobody waits for one that is too large to be one.
    let isReadable = snapshot.files["config"]?.stamp == nil
    if isReadable { snapshot.settings = (try? Repository.settings(in: common.appending("config"))) ?? [] }
    snapshot.head = Files.line(common.appending("HEAD")) ?? ""
    // `core.bare` or an extension may have been set to break every opening: then the files above still tell.
    if isReadable, let repository = try? Repository(opening: common, bare: true) {
      for reference in try repository.references() { snapshot.references[reference.name] = reference.target }
      if snapshot.references["refs/stash"] != nil {
        snapshot.stashes = (try? repository.stash()) ?? []
      }
    }
    return snapshot
  }

  private mutating func read(_ path: String, _ common: FilePath) {
    let place = common.pushing(FilePath(path))
    guard let status = Files.status(place), status.st_mode & S_IFMT == S_IFREG else { return }
    let permissions = Int64(status.st_mode & 0o777)
    switch FileReading.of(place, maximumBytes: Self.largest) {
    case .contents(let contents): files[path] = Guarded(contents: contents, permissions: permissions)
    case .unreadable:
      files[path] = Guarded(contents: [], permissions: permissions, stamp: Furnished.stamp(status))
    case .absent: break
    }
  }

  /// What sends the git of whoever works in a worktree to another repository, or has it run something.
  private mutating func readWorktree(_ name: String, _ common: FilePath) {
    worktrees.insert(name)
    for file in ["commondir", "gitdir", "config.worktree"] {
      let path = "worktrees/\(name)/\(file)"
      read(path, common)
      if let target = Files.linkTarget(common.pushing(FilePath(path))) { links[path] = target }
    }
    let path = "worktrees/\(name)/config.worktree"
    guard let file = files[path], file.stamp == nil else { return }
    let settings = (try? Repository.settings(in: common.pushing(FilePath(path)))) ?? []
    programs[path] = settings.filter { DangerousSettings.contains($0.key) }.map { "\($0.key)=\($0.value)" }
  }

  /// With what every worktree has that was made since: git and we write the same.
  func expecting(_ after: AuditSnapshot) -> AuditSnapshot {
    var expected = self
    for name in after.worktrees where files["worktrees/\(name)/commondir"] == nil {
      expected.files["worktrees/\(name)/commondir"] = Guarded(contents: Array("../..\n".utf8), permissions: 0o644)
    }
    return expected
  }

  /// With what an audit could not anchor, by the name of the anchor: the next one finds again that it is lacking.
  mutating func miss(_ ref: String, _ old: ObjectID) {
    if ref.hasPrefix(Self.stashed) { stashes.append(old) } else { references[ref] = old }
  }

  /// No ref has the name: it says below `refs/looop/audit/` which entry of the stash it was.
  static let stashed = "refs/stash-"

  /// Where a planted link would redirect git: the directory itself, and one level of what it trusts.
  private static func topology(_ common: FilePath) -> [String] {
    var paths = Files.names(common)
    for directory in [
      "objects", "objects/info", "objects/pack", "refs", "refs/heads", "info", "hooks", "logs", "worktrees",
    ] {
      // Fan-out directories by the hundred, and packs, are looked at by name only.
      paths += Files.names(common.pushing(FilePath(directory))).map { "\(directory)/\($0)" }
    }
    return paths.filter { Files.isLink(common.pushing(FilePath($0))) }
  }

  var json: JSON {
    [
      "v": 2, "directory": directory.json, "repo_path": .optional(repository?.string), "head": .string(head),
      "stashes": .array(stashes.map { .string($0.hex) }),
      "files": .object(
        files.mapValues {
          [
            "contents": .string(PathText.encode($0.contents)), "mode": .int($0.permissions),
            "stamp": .optional($0.stamp),
          ]
        }),
      "worktrees": .array(worktrees.sorted().map(JSON.string)),
      "programs": .object(programs.mapValues { .array($0.map(JSON.string)) }),
      "links": .object(links.mapValues(JSON.string)),
      "references": .object(references.mapValues { .string($0.hex) }),
      "settings": .array(settings.map { [.string($0.key), .string($0.value)] }),
    ]
  }

  private init(directory: AuditedDirectory, repository: FilePath?) {
    (self.directory, self.repository) = (directory, repository)
  }

  init?(json: JSON) {
    guard json["v"]?.int == 2, let directory = json["directory"].flatMap(AuditedDirectory.init(json:)) else {
      return nil
    }
    self.directory = directory
    repository = json["repo_path"]?.string.map { FilePath($0) }
    head = json["head"]?.string ?? ""
    stashes = (json["stashes"]?.array ?? []).compactMap { $0.string.flatMap(ObjectID.init) }
    for (path, value) in json["files"]?.object ?? [:] {
      guard let contents = value["contents"]?.string.flatMap(PathText.decodeBytes) else { return nil }
      files[path] = Guarded(contents: contents, permissions: value["mode"]?.int ?? 0o644, stamp: value["stamp"]?.string)
    }
    worktrees = Set((json["worktrees"]?.array ?? []).compactMap(\.string))
    programs = (json["programs"]?.object ?? [:]).mapValues { ($0.array ?? []).compactMap(\.string) }
    links = (json["links"]?.object ?? [:]).compactMapValues(\.string)
    references = (json["references"]?.object ?? [:]).compactMapValues { $0.string.flatMap(ObjectID.init) }
    settings = (json["settings"]?.array ?? []).compactMap { pair in
      guard let key = pair.array?.first?.string, let value = pair.array?.last?.string else { return nil }
      return Repository.Setting(key: key, value: value)
    }
  }
}
