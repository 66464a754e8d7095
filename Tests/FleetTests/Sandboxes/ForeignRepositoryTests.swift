import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// Repositories that nobody here wrote: links, modes, odd names, line ends, submodules as they occur.
@Suite struct ForeignRepositoryTests {
  /// `LOOOP_TEST_REPOSITORIES` lists some, separated by colons; else a few of those that the package manager keeps.
  static let repositories: [FilePath] = {
    if let named = HostEnvironment.current()["LOOOP_TEST_REPOSITORIES"] {
      return named.split(separator: ":").map { FilePath(String($0)) }
    }
    let package = (0..<4).reduce(FilePath(#filePath)) { path, _ in path.removingLastComponent() }
    let checkouts = package.appending(".build/checkouts")
    let all = Files.names(checkouts).map { checkouts.appending($0) }.map { (place: $0, head: head(of: $0)) }
    let bySize = all.sorted { ($0.head.files, $0.place.string) < ($1.head.files, $1.place.string) }
    // The smallest that has links, the smallest that has attributes …: not every package has. Then whatever is small.
    let traits = Set(bySize.flatMap(\.head.traits)).sorted()
    let telling = traits.compactMap { trait in bySize.first { $0.head.traits.contains(trait) }?.place }
    return (telling + bySize.map(\.place)).reduce(into: [FilePath]()) { chosen, place in
      if chosen.count < 5, !chosen.contains(place) { chosen.append(place) }
    }
  }()

  /// What of the unusual its HEAD has, and how many files.
  private static func head(of repository: FilePath) -> (traits: Set<String>, files: Int) {
    let listed = try? RunningProcess.run("/usr/bin/git", ["-C", repository.string, "ls-tree", "-r", "HEAD"])
    let lines = (listed?.output ?? "").split(separator: "\n")
    var found: Set<String> = []
    for line in lines {
      if line.hasPrefix("120000") { found.insert("links") }
      if line.hasPrefix("100755") { found.insert("executable files") }
      if line.hasSuffix(".gitattributes") { found.insert("attributes") }
      if line.hasSuffix("\"") { found.insert("unusual names") }
    }
    return (found, lines.count)
  }

  @Test(.enabled(if: !repositories.isEmpty, "there are no repositories of others here"), .timeLimit(.minutes(10)))
  func `a tree is what git worktree add writes, cold and warm`() throws {
    let fixture = try GitFixture(files: 1)
    var (seen, refused) = (0, [String]())
    for (number, repository) in Self.repositories.enumerated() {
      let copy = fixture.scratch.appending("copy-\(number)")
      try fixture.git(["clone", "-q", "--no-checkout", repository.string, copy.string])
      let names: [String: JSON] = ["repo_name": .string("r\(number)"), "repo_path": .string(copy.string)]
      let first = fixture.verb("create", "w", names)
      guard first["ok"] == true else {
        // Submodules need a private repository and their remotes.
        #expect(first["code"] == "unsupported", "\(repository): \(first.compact)")
        refused.append("\(repository.lastComponent?.string ?? ""): \(first["message"]?.string ?? "")")
        continue
      }
      try Self.compare(fixture, copy, first, "HEAD")
      #expect(fixture.verb("remove", "w", names.merging(["sweep": false]) { own, _ in own })["outcome"] == "removed")
      let swept = fixture.verb(
        "sweep", "w", ["repos": .object(["r\(number)": .string(copy.string)]), "pool_max": 1, "free_floor_bytes": 0])
      #expect(swept["recycled"] == 1, "\(repository): \(swept.compact)")
      // Some commits back, where there are some.
      let commits = try fixture.git(["rev-list", "--first-parent", "--max-count=30", "HEAD"], in: copy).split(
        separator: "\n")
      let base = String(try #require(commits.last))
      let second = fixture.verb("create", "w", names.merging(["base": .string(base)]) { own, _ in own })
      #expect(second["ok"] == true, "\(repository): \(second.compact)")
      try Self.compare(fixture, copy, second, base)
      _ = fixture.verb("remove", "w", names)
      try TreeRemoval.remove(copy)
      seen += 1
    }
    #expect(seen > 0, "\(refused)")
  }

  private static func compare(_ fixture: GitFixture, _ copy: FilePath, _ made: JSON, _ base: String) throws {
    let tree = FilePath(try #require(made["path"]?.string))
    let theirs = fixture.scratch.appending("by-git")
    try fixture.git(["worktree", "add", "-q", "--detach", theirs.string, base], in: copy)
    let (own, expected) = (try fixture.contents(tree), try fixture.contents(theirs))
    #expect(own.count == expected.count && own == expected, "\(copy) at \(base), \(made["from"]?.string ?? "")")
    #expect(try fixture.git(["status", "--porcelain", "--ignored"], in: tree) == "")
    try fixture.git(["worktree", "remove", "--force", theirs.string], in: copy)
  }
}
