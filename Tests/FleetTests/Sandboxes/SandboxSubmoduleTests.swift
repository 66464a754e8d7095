import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// Submodules for real: a local remote, which the tenant's own configuration allows.
@Suite(.enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built")) struct SandboxSubmoduleTests {
  private final class Fixture {
    let git: GitFixture
    let library: FilePath

    init() throws {
      git = try GitFixture(files: 3)
      library = git.scratch.appending("library")
      try Directory.create(library)
      try git.git(["init", "-q", "-b", "main"], in: library)
      try git.scratch.write("of the library\n", to: "library/lib.txt")
      try git.commitAll("library", in: library)
      try git.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.string, "vendor/lib"])
      try git.commitAll("submodule")
      try git.scratch.write("[protocol \"file\"]\n\tallow = always\n", to: "home/.gitconfig")
    }

    /// Through the program, because git reads the home of whoever runs it.
    func verb(_ verb: String, _ worker: String = "w", _ more: [String: JSON] = [:]) throws -> JSON {
      let process = try RunningProcess(
        BuiltProducts.looopFleet, ["_sandbox", verb], environment: ["HOME": git.scratch.appending("home").string])
      process.write(git.request(worker, more.merging(["private": true]) { own, _ in own }).compact)
      process.closeInput()
      _ = process.wait(within: 60)
      return try JSON(parsing: process.output)
    }

    func create(_ worker: String = "w") throws -> FilePath {
      let made = try verb("create", worker)
      return FilePath(try #require(made["path"]?.string, "\(made.compact)"))
    }
  }

  @Test func `they are there, clean, and go with a clean tree`() throws {
    let fixture = try Fixture()
    let refused = try fixture.verb("create", "w", ["private": false])
    #expect(refused["code"] == "unsupported" && refused["hint"] == "give the tenant a private repository of it")
    let tree = try fixture.create()
    #expect(FileReading.of(tree.appending("vendor/lib/lib.txt")).text == "of the library\n")
    #expect(try fixture.git.git(["status", "--porcelain"], in: tree) == "")
    #expect(try fixture.git.git(["submodule", "status"], in: tree).hasPrefix(" "))
    let removed = try fixture.verb("remove")
    #expect(removed["outcome"] == "removed", "\(removed.compact)")
    // Recycled, the next one has them as well.
    _ = try fixture.verb("sweep", "w", ["pool_max": 1, "free_floor_bytes": 0])
    #expect(try fixture.verb("create", "next")["from"] == "warm")
    let next = fixture.git.root.appending("trees/next")
    #expect(FileReading.of(next.appending("vendor/lib/lib.txt")).text == "of the library\n")
    #expect(try fixture.git.git(["status", "--porcelain"], in: next) == "")
  }

  @Test func `what another worker planted does not run while they are filled in`() throws {
    let fixture = try Fixture()
    let evil = fixture.git.scratch.appending("evil")
    try fixture.git.scratch.write(
      "[protocol \"file\"]\n\tallow = always\n[filter \"crypt\"]\n\tsmudge = tr a-z A-Z\n\tclean = tr A-Z a-z\n",
      to: "home/.gitconfig")
    try fixture.git.scratch.write("*.x filter=crypt\n", to: "source/.gitattributes")
    try fixture.git.scratch.write("text\n", to: "source/a.x")
    try fixture.git.commitAll("filtered")
    let tree = try fixture.create()
    #expect(FileReading.of(tree.appending("a.x")).text == "TEXT\n")
    try fixture.git.git(["config", "submodule.vendor/lib.update", "!touch \(evil)"], in: tree)
    let next = try fixture.create("v")
    #expect(FileReading.of(next.appending("vendor/lib/lib.txt")).text == "of the library\n")
    #expect(!Files.exists(evil))
    try fixture.git.git(["config", "filter.crypt.process", "touch \(evil)"], in: tree)
    let refused = try fixture.verb("create", "u")
    #expect(refused["code"] == "unsupported" && refused["message"]?.string?.contains("filter crypt") == true)
    #expect(!Files.exists(evil) && !Files.exists(fixture.git.root.appending("trees/u")))
  }

  @Test(arguments: [
    "echo changed >> lib.txt; echo new > new.txt", "echo y >> lib.txt; git stash -q",
    "git checkout -q -b mine; echo z > z; git add z; git commit -qm z; git checkout -q main",
  ])
  func `work inside one keeps the sandbox`(_ work: String) throws {
    let fixture = try Fixture()
    let tree = try fixture.create()
    let place = tree.appending("vendor/lib")
    let done = try RunningProcess.run("/bin/sh", ["-c", work], environment: GitFixture.identity, directory: place)
    #expect(done.exitCode == 0, "\(done.errors)")
    let before = try fixture.git.contents(tree)
    for verb in ["remove", "due"] {
      let kept = try fixture.verb(verb, "w", ["keep_s": ["unknown": 0]])
      #expect(kept.compact.contains("unsaved work in submodule vendor/lib"), "\(kept.compact)")
      #expect(try fixture.git.contents(tree) == before)
    }
  }
}
