import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// Where the kernel offers it: what it maps around a touched page would be most of what a creation holds.
@Suite(.enabled(if: ProgramPages.canMapTouchedOnly && BuiltProducts.has("looop-fleet")), .timeLimit(.minutes(2)))
struct SandboxMemoryTests {
  @Test func `who writes all files maps only what it touches, and who finds a tree does not wait for that`() throws {
    let fixture = try GitFixture()
    let cold = try Self.create("old", fixture)
    #expect(cold.from == "cold" && !cold.watched.isEmpty && cold.watched.allSatisfy { $0 })
    #expect(fixture.verb("remove", "old", ["sweep": false])["removed"] == true)
    #expect(fixture.verb("sweep", "x", ["pool_max": 1, "free_floor_bytes": 0])["recycled"] == 1)
    let warm = try Self.create("new", fixture)
    #expect(warm.from == "warm" && !warm.watched.isEmpty && !warm.watched.contains(true))
  }

  /// Of each part of the program and of libgit2 that was mapped when the setup ran: whether a fault brings one page only.
  private static func create(_ worker: String, _ fixture: GitFixture) throws -> (from: String?, watched: [Bool]) {
    let seen = fixture.scratch.appending("smaps-\(worker)")
    let helper = try RunningProcess(BuiltProducts.looopFleet, ["_sandbox", "create"])
    helper.write(fixture.request(worker, ["setup": .string("cat /proc/$PPID/smaps > \(seen)")]).compact)
    helper.closeInput()
    #expect(helper.wait() == .code(0), "\(helper.output)")
    var (watched, name) = ([Bool](), Substring())
    for line in (FileReading.of(seen, maximumBytes: 1 << 20).text ?? "").split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first?.hasSuffix(":") == false { name = words.count > 5 ? words[5] : "" }
      // What cannot be read is a hole between two parts.
      guard words.first == "VmFlags:", words.contains("rd"), name.hasSuffix("looop-fleet") || name.contains("libgit2")
      else { continue }
      watched.append(words.contains("uw"))
    }
    return (try JSON(parsing: helper.output)["from"]?.string, watched)
  }
}
