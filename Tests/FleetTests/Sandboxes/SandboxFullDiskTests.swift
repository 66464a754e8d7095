import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// A repository and its sandboxes on a disk that is full to the last byte.
@Suite(.enabled(if: SmallDisk.canBeMade, "needs root, to mount a small file system"))
struct SandboxFullDiskTests {
  private static func fill(_ disk: SmallDisk) throws {
    _ = try RunningProcess.shell("cat /dev/zero >'\(disk.path)/filler' 2>/dev/null")
  }

  private static func empty(_ disk: SmallDisk) { AtomicFile.remove(disk.path.appending("filler")) }

  @Test func `nothing is lost, nothing is left, and all goes on once there is room`() throws {
    let disk = try SmallDisk()
    let fixture = try GitFixture(files: 60, on: disk.path)
    let tree = try fixture.create()
    try fixture.scratch.write("more\n", to: "sandboxes/trees/w/run.sh", mode: 0o755)
    try fixture.scratch.write(String(repeating: "unsaved\n", count: 2000), to: "sandboxes/trees/w/new")
    let clean = try fixture.create("clean")
    let before = try fixture.contents(tree)
    try Self.fill(disk)

    let refused = fixture.verb("create", "other")
    #expect(refused["ok"] == false && refused["message"]?.string?.isEmpty == false, "\(refused.compact)")
    let kept = fixture.verb("remove")
    #expect(kept["removed"] != true, "\(kept.compact)")
    #expect(try fixture.contents(tree) == before)
    // Nothing of it has to be stored, so it may go; if not, it stays whole.
    let gone = fixture.verb("remove", "clean")
    #expect(gone["removed"] == true || Files.exists(clean), "\(gone.compact)")
    _ = fixture.verb("sweep", "x", ["grace_s": 0])
    #expect(try fixture.contents(tree) == before)

    Self.empty(disk)
    #expect(fixture.verb("remove", "clean")["removed"] == true)
    try fixture.create("other")
    #expect(fixture.verb("remove")["outcome"] == "parked")
    #expect(fixture.verb("restore")["ok"] == true)
    #expect(try fixture.contents(tree) == before)
    #expect(fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])["ok"] == true)
    #expect(try fixture.debris() == [])
    #expect(try fixture.git(["fsck", "--no-dangling"]) == "")
  }

  /// With ever less room: it ends at another step each time.
  @Test func `a creation that runs out of room leaves nothing`() throws {
    let disk = try SmallDisk()
    let fixture = try GitFixture(files: 60, on: disk.path)
    var (made, refused) = (0, 0)
    for room in stride(from: 0, through: 480, by: 24) {
      try Self.fill(disk)
      _ = try RunningProcess.shell("truncate -s -\(room)K '\(disk.path)/filler'")
      let answer = fixture.verb("create", "w\(room)")
      if answer["ok"] == true { made += 1 } else { refused += 1 }
      Self.empty(disk)
      #expect(try fixture.debris() == [], "\(room) KiB: \(answer.compact)")
      if let path = answer["path"]?.string {
        #expect(try fixture.git(["status", "--porcelain"], in: FilePath(path)) == "", "\(room) KiB")
        _ = fixture.verb("remove", "w\(room)", ["sweep": false])
        #expect(fixture.verb("sweep", "x", ["grace_s": 0, "pool_max": 0])["ok"] == true)
      }
    }
    #expect(made > 0 && refused > 0, "\(made) made, \(refused) refused")
  }
}

/// A file system of a few megabytes in memory.
final class SmallDisk: Sendable {
  static let canBeMade: Bool = {
    guard let scratch = try? ScratchDirectory("mt") else { return false }
    let tried = try? RunningProcess.shell(
      "mount -t tmpfs -o size=64k tmpfs '\(scratch.path)' && umount '\(scratch.path)'")
    return tried?.exitCode == 0
  }()

  private let scratch: ScratchDirectory
  var path: FilePath { scratch.path }

  init() throws {
    scratch = try ScratchDirectory("disk")
    let made = try RunningProcess.shell("mount -t tmpfs -o size=8m,mode=755 tmpfs '\(scratch.path)'")
    #expect(made.exitCode == 0, "\(made.errors)")
  }

  // Whoever is still in it may go first.
  deinit { _ = try? RunningProcess.shell("umount --lazy '\(scratch.path)'") }
}
