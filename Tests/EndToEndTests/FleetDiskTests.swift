import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A tenant that fills the disk that the fleet's own books are on: a file system of its own, in a file.
@Suite(
  .serialized, .timeLimit(.minutes(5)), .enabled(if: geteuid() == 0, "needs root: tenants of two Unix users"),
  .enabled(if: DiskImage.canBeMade, "needs mkfs.ext4 and a loop device"))
struct FleetDiskTests {
  static let users = ["looopdk1", "looopdk2"]

  private func fleet(floor: String, _ hungry: String = "") throws -> FleetUnderTest {
    let fleet = try FleetUnderTest(fleet: "  disk_free_min: \(floor)\n")
    try fleet.makeTenant("hungry", yaml: "user: \(Self.users[0])\nbudget: { usd_per_day: 5 }\n\(hungry)")
    try fleet.makeTenant("calm", yaml: "user: \(Self.users[1])\nbudget: { usd_per_day: 5 }\n")
    for (name, user) in zip(["hungry", "calm"], Self.users) {
      chmod(fleet.dataDir(name).root.string, 0o700)
      try UnixUsers.give(fleet.dataDir(name).root, to: user)
    }
    return fleet
  }

  @Test(.enabled(if: DiskImage.countsWrites, "needs a kernel that counts what processes write, and cgroup v2"))
  func `who fills the disk is held still before it is full, others go on, and so does it once there is room`() throws {
    let users = try UnixUsers(Self.users)
    let fleet = try fleet(floor: "200M")
    let disk = try DiskImage(megabytes: 400, for: fleet)
    try fleet.start()
    let eating = "for i in $(seq 2000); do head -c 1M /dev/zero >>fill || exit 9; sleep 0.02; done"
    try fleet.wish("eat", of: "hungry", as: Self.users[0], eating)
    try fleet.wish(
      "work", of: "calm", as: Self.users[1], "until [ -e go ]; do sleep 0.1; done; echo done >reports/work")
    func held() throws -> String? {
      let row = try fleet.tenant("hungry")
      return row?["phase"]?.string == "held" ? row?["reason"]?.string : nil
    }
    #expect(try eventually(within: 60, every: 50) { try held()?.contains("held still") == true }, "\(fleet.log)")
    let left = try #require(FileSystemRoom.free(at: disk.place))
    #expect(left > 20 << 20, "\(left)")
    // Books are kept and others work.
    #expect(try fleet.run("budget", "raise", "calm", "1").exitCode == 0)
    try fleet.scratch.write("", to: "tenants/calm/go")
    #expect(
      try eventually(within: 20) { try fleet.worker("calm", "work")?["phase"]?.string == "exited" }, "\(fleet.log)")
    #expect(fleet.scratch.read("tenants/calm/reports/work") == "done\n")
    #expect(try fleet.phase("calm") == "running")

    // The next supervisor does not wake it either.
    fleet.killSupervisor()
    try fleet.start()
    #expect(try eventually(within: 20) { try held() != nil && fleet.phase("calm") == "running" }, "\(fleet.log)")
    #expect(try #require(FileSystemRoom.free(at: disk.place)) > left - 20 << 20)

    // Whoever makes room, by whatever right he has.
    truncate(fleet.dataDir("hungry").root.appending("fill").string, 0)
    #expect(try eventually(within: 20) { try fleet.phase("hungry") == "running" }, "\(fleet.log)")
    #expect(
      try eventually(within: 20) { try fleet.worker("hungry", "eat")?["phase"]?.string == "running" }, "\(fleet.log)")
    #expect(try fleet.run("worker", "kill", "hungry/eat").exitCode == 0)
    _ = users
  }

  @Test func `a tenant above what it may occupy starts nothing, its workers are stopped, and no file of it is larger`()
    throws
  {
    let users = try UnixUsers(Self.users)
    let fleet = try fleet(floor: "1M", "total: { disk_max: 64M }\n")
    try fleet.start()
    try fleet.wish(
      "eat", of: "hungry", as: Self.users[0],
      "head -c 100M /dev/zero >big; stat -c %s big >reports/big; rm big; for i in 1 2 3; do head -c 30M /dev/zero >fill$i; done; sleep 600"
    )
    #expect(try eventually(within: 60) { try fleet.phase("hungry") == "held" }, "\(fleet.log)")
    #expect(fleet.scratch.read("tenants/hungry/reports/big") == "\(64 << 20)\n")
    let row = try #require(try fleet.tenant("hungry"))
    #expect(row["reason"]?.string?.contains("of the 64.0 MiB of disk that it may") == true, "\(row)")
    #expect((row["occupied_bytes"]?.int ?? 0) > 64 << 20)
    #expect(
      try eventually(within: 20) { try fleet.worker("hungry", "eat")?["phase"]?.string != "running" }, "\(fleet.log)")
    try fleet.wish("late", of: "hungry", as: Self.users[0], "true")
    #expect(
      try eventually(within: 20) { try fleet.worker("hungry", "late")?["reason"]?.string?.contains("of disk") == true },
      "\(fleet.log)")
    #expect(try fleet.phase("calm") == "running")
    // Its owner makes room, with the fleet's own verbs if need be.
    #expect(
      try fleet.looop("hungry", as: Self.users[0], "run", "rm -f \(fleet.dataDir("hungry").root)/fill*").exitCode == 0)
    #expect(try eventually(within: 40) { try fleet.phase("hungry") == "running" }, "\(fleet.log)")
    #expect(
      try eventually(within: 20) { try fleet.worker("hungry", "late")?["phase"]?.string == "exited" }, "\(fleet.log)")
    _ = users
  }
}

/// An ext4 in a file, with a fleet's state and its tenants' data dirs on it.
final class DiskImage: Sendable {
  static let canBeMade = (try? RunningProcess.shell("command -v mkfs.ext4 && losetup -f").exitCode) == 0
  static let countsWrites =
    access("/proc/self/io", R_OK) == 0
    && (try? RunningProcess.shell("grep -q ' cgroup2 ' /proc/self/mounts").exitCode) == 0

  private let image: FilePath
  let place: FilePath
  private let mounted: [FilePath]

  /// Before its supervisor starts, with its tenants made.
  init(megabytes: Int, for fleet: FleetUnderTest) throws {
    image = FilePath("\(fleet.scratch.path).img")
    place = FilePath("\(fleet.scratch.path).disk")
    mounted = ["state", "tenants"].map { fleet.scratch.appending($0) } + [place]
    let (state, tenants) = (mounted[0], mounted[1])
    let made = try RunningProcess.shell(
      """
      set -e; truncate -s \(megabytes)M '\(image)'; mkfs.ext4 -q -m 0 '\(image)'; mkdir -p '\(place)' '\(state)'
      mount -o loop '\(image)' '\(place)'; chmod 755 '\(place)'
      cp -a '\(tenants)' '\(place)/tenants'; mkdir '\(place)/state'
      mount --bind '\(place)/state' '\(state)'; mount --bind '\(place)/tenants' '\(tenants)'
      """)
    guard made.exitCode == 0 else { throw TestFailure("a small disk: \(made.errors)") }
  }

  deinit {
    // Lazily: the fleet may end later than this.
    for place in mounted { _ = try? RunningProcess.run("/bin/umount", ["-l", place.string]) }
    _ = try? RunningProcess.shell("rmdir '\(place)'; rm -f '\(image)'")
  }
}
