import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// Git LFS for real: the tool, a store, no network.
@Suite struct SandboxLargeFilesTests {
  static let isInstalled = Tools.find("git-lfs") != nil

  /// A repository whose large files are declared below the top, as projects do for one directory.
  private static func repository() throws -> GitFixture {
    let fixture = try GitFixture(files: 3)
    try fixture.scratch.write("*.big filter=lfs diff=lfs merge=lfs -text\n", to: "source/assets/.gitattributes")
    try fixture.scratch.write(String(repeating: "large \u{1F40B}\n", count: 5000), to: "source/assets/one.big")
    try fixture.scratch.write("small but large\n", to: "source/assets/deep/two.big")
    try lfs(fixture, ["add", "-A"])
    try lfs(fixture, ["commit", "-q", "-m", "large"])
    #expect(try fixture.git(["show", "HEAD:assets/one.big"]).hasPrefix("version https://git-lfs"))
    return fixture
  }

  @discardableResult
  private static func lfs(_ fixture: GitFixture, _ arguments: [String], in directory: FilePath? = nil) throws -> String
  {
    let filter = [
      "filter.lfs.clean=git-lfs clean -- %f", "filter.lfs.smudge=git-lfs smudge -- %f",
      "filter.lfs.process=git-lfs filter-process", "filter.lfs.required=true",
    ]
    return try fixture.git(filter.flatMap { ["-c", $0] } + arguments, in: directory)
  }

  @Test(.enabled(if: isInstalled, "git-lfs is not installed"), arguments: [false, true])
  func `a tree has the contents, cold and warm`(_ isPrivate: Bool) throws {
    let fixture = try Self.repository()
    for origin in ["cold", "warm"] {
      let made = fixture.verb("create", "w", ["private": .bool(isPrivate)])
      #expect(made["from"]?.string == origin, "\(made.compact)")
      let tree = FilePath(try #require(made["path"]?.string))
      #expect(try fixture.contents(tree) == fixture.contents(fixture.repository))
      #expect(try Self.lfs(fixture, ["status", "--porcelain"], in: tree) == "")
      let removed = fixture.verb("remove", "w", ["sweep": false])
      #expect(removed["outcome"] == "removed", "\(removed.compact)")
      #expect(fixture.verb("sweep", "x", ["pool_max": 1, "free_floor_bytes": 0])["recycled"] == 1)
    }
  }

  @Test(.enabled(if: isInstalled, "git-lfs is not installed")) func `a changed one is parked and comes back`() throws {
    let fixture = try Self.repository()
    let tree = try fixture.create()
    // So old that the index is believed: what nobody touched is not parked.
    let index = String(try fixture.git(["rev-parse", "--git-path", "index"], in: tree).dropLast())
    #expect(try RunningProcess.run("/bin/touch", ["-d", "1 minute", index]).exitCode == 0)
    try AtomicFile.write("changed\n", to: tree.appending("assets/one.big"))
    let contents = try fixture.contents(tree)
    #expect(fixture.verb("remove")["outcome"] == "parked")
    #expect(fixture.verb("restore")["ok"] == true)
    #expect(try fixture.contents(tree) == contents)
    #expect(try Self.lfs(fixture, ["status", "--porcelain"], in: tree) == " M assets/one.big\n")
  }

  @Test(.enabled(if: isInstalled, "git-lfs is not installed")) func `what is not here yet is fetched from the remote`()
    throws
  {
    let fixture = try Self.repository()
    let clone = fixture.scratch.appending("clone")
    try fixture.git(["clone", "-q", "file://\(fixture.repository)", clone.string])
    #expect(!Files.exists(clone.appending(".git/lfs/objects")))
    let made = fixture.verb("create", "w", ["repo_path": .string(clone.string)])
    let tree = FilePath(try #require(made["path"]?.string, "\(made.compact)"))
    #expect(try fixture.contents(tree) == fixture.contents(fixture.repository))
    // And where the store is gone, in words, with nothing left behind.
    try TreeRemoval.remove(clone.appending(".git/lfs"))
    try TreeRemoval.remove(fixture.repository.appending(".git/lfs"))
    let failed = fixture.verb("create", "v", ["repo_path": .string(clone.string)])
    #expect(failed["code"] == "failed" && failed["message"]?.string?.contains("checkout-index failed") == true)
    #expect(!Files.exists(fixture.root.appending("trees/v")))
  }

  @Test(
    .enabled(if: isInstalled, "git-lfs is not installed"),
    .enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built"))
  func `without the tool it is refused`() throws {
    let fixture = try Self.repository()
    let programs = fixture.scratch.appending("bin")
    try Directory.create(programs)
    #expect(symlink("/usr/bin/git", programs.appending("git").string) == 0)
    let process = try RunningProcess(
      BuiltProducts.looopFleet, ["_sandbox", "create"], environment: ["PATH": programs.string])
    process.write(fixture.request().compact)
    process.closeInput()
    _ = process.wait()
    let answer = try JSON(parsing: process.output)
    #expect(
      answer["code"] == "unsupported" && answer["message"]?.string?.contains("git-lfs, which is not installed") == true)
    #expect(!Files.exists(fixture.root.appending("trees/w")))
    #expect(try fixture.debris() == [])
  }
}
