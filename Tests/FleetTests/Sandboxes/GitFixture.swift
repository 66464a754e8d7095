import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// A real repository made by the real `git`, and a tenant's sandbox root beside it.
final class GitFixture: Sendable {
  let scratch: ScratchDirectory
  let repository: FilePath
  let root: FilePath

  /// `disk`: a directory to make it all in.
  init(files: Int = 12, on disk: FilePath? = nil) throws {
    scratch = try ScratchDirectory("sb", in: disk?.string)
    repository = scratch.appending("source")
    root = scratch.appending("sandboxes")
    try Directory.create(repository)
    try git(["init", "-q", "-b", "main"])
    for number in 0..<files {
      try scratch.write("line one of \(number)\nline two\n", to: "source/dir\(number % 5)/sub/file\(number).txt")
    }
    try scratch.write("#!/bin/sh\n", to: "source/run.sh", mode: 0o755)
    try scratch.write("*.log\nbuild/\n.env\n", to: "source/.gitignore")
    #expect(symlink("dir0/sub", scratch.appending("source/link").string) == 0)
    try commitAll("first")
  }

  static let identity = [
    "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t",
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_EDITOR": "true",
  ]

  @discardableResult
  func git(_ arguments: [String], in directory: FilePath? = nil, mayFail: Bool = false) throws -> String {
    let place = directory ?? repository
    let done = try RunningProcess.run(
      "/usr/bin/git", ["-C", place.string] + arguments, environment: Self.identity, directory: place)
    if !mayFail { #expect(done.exitCode == 0, "git \(arguments.joined(separator: " ")): \(done.errors)") }
    return done.output
  }

  func commitAll(_ message: String, in directory: FilePath? = nil) throws {
    try git(["add", "-A"], in: directory)
    try git(["commit", "-q", "--allow-empty", "-m", message], in: directory)
  }

  func head(_ name: String = "HEAD", in directory: FilePath? = nil) throws -> String {
    String(try git(["rev-parse", name], in: directory).dropLast())
  }

  func request(_ worker: String = "w", _ more: [String: JSON] = [:]) -> JSON {
    var members: [String: JSON] = [
      "root": .string(root.string), "worker": .string(worker), "repo_name": "web",
      "repo_path": .string(repository.string),
      "repos": ["web": .string(repository.string)],
    ]
    members.merge(more) { _, new in new }
    return .object(members)
  }

  func verb(_ verb: String, _ worker: String = "w", _ more: [String: JSON] = [:]) -> JSON {
    SandboxVerb.run(verb, request: request(worker, more))
  }

  /// How it stands, as the supervisor asks before the first worker comes, and gives to each audit and removal.
  func measure(_ more: [String: JSON] = [:]) throws -> [String: JSON] {
    ["baselines": try #require(verb("baseline", "w", more)["baselines"])]
  }

  @discardableResult
  func create(_ worker: String = "w", _ more: [String: JSON] = [:]) throws -> FilePath {
    let made = verb("create", worker, more)
    #expect(made["ok"] == true, "\(made.compact)")
    return FilePath(try #require(made["path"]?.string))
  }

  /// What stands in a tree, file by file: contents, links, permissions.
  func contents(_ tree: FilePath, below: FilePath = FilePath()) throws -> [String: String] {
    var found: [String: String] = [:]
    for name in try Files.rawNames(tree.pushing(below)) where below.isEmpty ? name != Array(".git".utf8) : true {
      let path = below.appending(bytes: name)
      let place = tree.pushing(path)
      let key = PathText.encode(path)
      if Files.isDirectory(place) {
        found.merge(try contents(tree, below: path)) { first, _ in first }
      } else if Files.isLink(place) {
        found[key] = "-> " + PathText.encode(try #require(Files.linkBytes(place)))
      } else if Files.isRegular(place) {
        found[key] =
          String(Files.permissions(place) ?? 0, radix: 8) + " " + PathText.encode(try FileReading.read(place))
      } else {
        found[key] = "special"
      }
    }
    return found
  }

  /// What is left in the repository and beside it that a finished or dead operation should not leave.
  func debris() throws -> [String] {
    let common = repository.appending(".git")
    var found: [String] = []
    for directory in [common.appending("looop/staging"), common.appending("looop/trash"), root.appending("staging")] {
      found += Files.names(directory).map { "\(directory)/\($0)" }
    }
    found += DeadRefLocks(common: common, age: 0).all().map { "lock \($0)" }
    for worktree in Worktree.all(common: common) where !worktree.isWhole { found.append("admin \(worktree.name)") }
    let used = Set(Worktree.all(common: common).compactMap(\.note?.branch))
    for line in try git(["for-each-ref", "--format=%(refname)", "refs/heads/looop"]).split(separator: "\n")
    where !used.contains(String(line)) { found.append("branch \(line)") }
    for name in Files.names(root.appending("trees"))
    where Worktree.of(tree: root.appending("trees").appending(name), common: common) == nil {
      found.append("tree \(name)")
    }
    return found
  }
}
