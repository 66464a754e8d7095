import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct IndexDigestTests {
  @Test func `work whose index git wrote without a digest is saved as any other`() throws {
    let fixture = try GitFixture()
    let tree = try fixture.create()
    let index = fixture.repository.appending(".git/worktrees/w/index")
    try AtomicFile.write("staged", to: tree.appending("staged"))
    try fixture.git(["add", "staged"], in: tree)
    try AtomicFile.write("untracked", to: tree.appending("untracked"))
    let before = try fixture.contents(tree)
    try Self.takeDigest(index)
    let parked = fixture.verb("remove")
    #expect(
      parked["outcome"] == "parked" && parked["reason"]?.string?.hasPrefix("1 staged change, 1 untracked file") == true,
      "\(parked.compact)")
    #expect(fixture.verb("restore")["ok"] == true)
    #expect(try fixture.contents(tree) == before)
    #expect(try fixture.git(["diff", "--cached", "--name-only"], in: tree) == "staged\n")
  }

  @Test func `a source whose index has none gives sandboxes, and says what landing needs`() throws {
    let fixture = try GitFixture()
    try fixture.scratch.write("secret", to: "source/.env")
    try fixture.scratch.write(".env\n", to: "source/.worktreeinclude")
    try fixture.commitAll("include")
    let index = fixture.repository.appending(".git/index")
    try Self.takeDigest(index)
    let tree = try fixture.create()
    #expect(Files.exists(tree.appending(".env")))
    try AtomicFile.write("x", to: tree.appending("x"))
    try fixture.commitAll("work", in: tree)
    let refused = fixture.verb("land")
    #expect(refused["hint"]?.string?.contains("force-write-index") == true, "\(refused.compact)")
    try fixture.git(["update-index", "--force-write-index"])
    #expect(fixture.verb("land")["ok"] == true)
    #expect(Files.exists(fixture.repository.appending("x")))
  }

  /// Whoever works there can make a file of any length, and it would be copied into memory.
  @Test func `what is no index, or longer than any, is not copied`() throws {
    let scratch = try ScratchDirectory("digest")
    let zeros = [UInt8](repeating: 0, count: 60)
    for (bytes, length, lacks) in [
      ("DIRC", 64, true), ("DIRC", 100 << 20, true), ("DIRC", 1 << 30, false), ("DIRX", 64, false), ("DIRC", 20, false),
    ] {
      let index = scratch.appending("index")
      try AtomicFile.write(Array(bytes.utf8) + zeros, to: index)
      #expect(truncate(index.string, off_t(length)) == 0)
      #expect(Repository.lacksDigest(index) == lacks, "\(bytes) \(length)")
    }
  }

  /// As `index.skipHash` leaves it.
  private static func takeDigest(_ index: FilePath) throws {
    let bytes = try FileReading.read(index)
    try AtomicFile.write(bytes.dropLast(20) + [UInt8](repeating: 0, count: 20), to: index)
  }
}
