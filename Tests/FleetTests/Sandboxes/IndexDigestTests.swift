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
    // As `index.skipHash` leaves it.
    let bytes = try FileReading.read(index)
    try AtomicFile.write(bytes.dropLast(20) + [UInt8](repeating: 0, count: 20), to: index)
    let parked = fixture.verb("remove")
    #expect(
      parked["outcome"] == "parked" && parked["reason"]?.string?.hasPrefix("1 staged change, 1 untracked file") == true,
      "\(parked.compact)")
    #expect(fixture.verb("restore")["ok"] == true)
    #expect(try fixture.contents(tree) == before)
    #expect(try fixture.git(["diff", "--cached", "--name-only"], in: tree) == "staged\n")
  }
}
