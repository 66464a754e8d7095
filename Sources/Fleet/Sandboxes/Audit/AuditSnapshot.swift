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
  }

  var settings: [Repository.Setting] = []
  /// By path below the common directory: configuration, hooks, attributes, alternates, …
  var files: [String: Guarded] = [:]
  /// Symbolic links, by path, with their targets.
  var links: [String: String] = [:]
  var references: [String: ObjectID] = [:]
  var head = ""
  /// The stash's entries, newest first.
  var stashes: [ObjectID] = []

  /// A file of these is instructions; anything larger than this is not a configuration that a person wrote.
  private static let largest = 1 << 20
  static let guarded = [
    "config", "info/attributes", "info/exclude", "info/sparse-checkout", "info/grafts", "objects/info/alternates",
    "objects/info/http-alternates", "shallow", "config.worktree",
  ]

  static func take(common: FilePath) throws -> AuditSnapshot {
    var snapshot = AuditSnapshot()
    let hooks = Files.names(common.appending("hooks")).filter { !$0.hasSuffix(".sample") }.map { "hooks/\($0)" }
    for path in guarded + hooks { snapshot.read(path, common) }
    for path in topology(common) {
      if let target = Files.linkTarget(common.pushing(FilePath(path))) { snapshot.links[path] = target }
    }
    // A configuration that cannot be parsed is drift as well; its text is in `files`.
    snapshot.settings = (try? Repository.settings(in: common.appending("config"))) ?? []
    snapshot.head = Files.line(common.appending("HEAD")) ?? ""
    // `core.bare` or an extension may have been set to break every opening: then the files above still tell.
    if let repository = try? Repository(opening: common, bare: true) {
      for reference in try repository.references() { snapshot.references[reference.name] = reference.target }
      if snapshot.references["refs/stash"] != nil {
        snapshot.stashes = (try? repository.stash()) ?? []
      }
    }
    return snapshot
  }

  private mutating func read(_ path: String, _ common: FilePath) {
    let place = common.pushing(FilePath(path))
    guard let status = Files.status(place), status.st_mode & S_IFMT == S_IFREG,
      case .contents(let contents) = FileReading.of(place, maximumBytes: Self.largest)
    else { return }
    files[path] = Guarded(contents: contents, permissions: Int64(status.st_mode & 0o777))
  }

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
      "v": 1, "head": .string(head), "stashes": .array(stashes.map { .string($0.hex) }),
      "files": .object(
        files.mapValues { ["contents": .string(PathText.encode($0.contents)), "mode": .int($0.permissions)] }),
      "links": .object(links.mapValues(JSON.string)),
      "references": .object(references.mapValues { .string($0.hex) }),
      "settings": .array(settings.map { [.string($0.key), .string($0.value)] }),
    ]
  }

  init() {}

  init?(json: JSON) {
    guard json["v"]?.int == 1 else { return nil }
    head = json["head"]?.string ?? ""
    stashes = (json["stashes"]?.array ?? []).compactMap { $0.string.flatMap(ObjectID.init) }
    for (path, value) in json["files"]?.object ?? [:] {
      guard let contents = value["contents"]?.string.flatMap(PathText.decodeBytes) else { return nil }
      files[path] = Guarded(contents: contents, permissions: value["mode"]?.int ?? 0o644)
    }
    links = (json["links"]?.object ?? [:]).compactMapValues(\.string)
    references = (json["references"]?.object ?? [:]).compactMapValues { $0.string.flatMap(ObjectID.init) }
    settings = (json["settings"]?.array ?? []).compactMap { pair in
      guard let key = pair.array?.first?.string, let value = pair.array?.last?.string else { return nil }
      return Repository.Setting(key: key, value: value)
    }
  }
}
