import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// Who and what is there when a fleet comes: workers of the loop's own time, and what dead supervisors left in the control groups.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct FleetStrangerTests {
  private static func group(of pid: Int64) -> String {
    let lines = (FileReading.of(FilePath("/proc/\(pid)/cgroup")).text ?? "").split(separator: "\n")
    return lines.last { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) } ?? ""
  }

  private static let needsGroups: Comment = "needs root: control groups for each tenant"

  /// Without groups its processes are found by their session's leader.
  @Test(arguments: geteuid() == 0 ? [true, false] : [false])
  func `a worker of the time before the fleet goes on, and is frozen and stopped like any other`(hasGroups: Bool) throws
  {
    let fleet = try FleetUnderTest()
    try fleet.makeTenant("web")
    let started = try fleet.looop(
      "web", "_", "worker", "start", "early",
      "while :; do echo x >>\"$LOOOP_DATA_DIR/reports/ticks\"; sleep 0.05; done & echo $! >\"$LOOOP_DATA_DIR/reports/child\"; wait"
    )
    #expect(started.exitCode == 0, "\(started.errors)")
    let reports = fleet.dataDir("web").reports
    try #require(eventually(within: 20) { FileReading.of(reports.appending("ticks")) != .absent })
    let child = try #require(FileReading.of(reports.appending("child")).text.flatMap { Int64($0.filter(\.isNumber)) })
    #expect(!Self.group(of: child).contains("t-web"))

    // What is no directory holds no groups.
    try fleet.start(with: hasGroups ? [:] : ["LOOOP_FLEET_CGROUP": "/cgroup.procs"])
    #expect(try eventually(within: 20) { try fleet.tenant("web")?["workers"]?["live"]?.int == 1 }, "\(fleet.log)")
    let pid = try #require(try fleet.worker("web", "early")?["pid"]?.int)
    if hasGroups {
      #expect(eventually(within: 20) { Self.group(of: child).hasSuffix("/t-web/w-early") }, "\(fleet.log)")
      #expect(Self.group(of: pid) == Self.group(of: child))
      // It is moved first, and told then.
      #expect(
        try eventually(within: 10) {
          try fleet.worker("web", "early")?["reason"]?.string?.contains("not started by the fleet") == true
        })
    } else {
      #expect(!Self.group(of: child).contains("t-web"))
    }

    func ticks() -> Int { FileReading.of(reports.appending("ticks")).text?.utf8.count ?? 0 }
    let frozen = try fleet.run("freeze", "web")
    #expect(frozen.exitCode == 0, "\(frozen.errors)")
    var before = -1
    #expect(
      eventually(within: 10, every: 300) {
        defer { before = ticks() }
        return ticks() == before
      })
    #expect(try fleet.run("thaw", "web").exitCode == 0)
    let still = ticks()
    #expect(eventually(within: 10) { ticks() > still })
    #expect(try fleet.run("down", "--workers").exitCode == 0)
    #expect(ProcessIdentity.of(Int32(child)) == nil && ProcessIdentity.of(Int32(pid)) == nil)
  }

  @Test(.enabled(if: geteuid() == 0, needsGroups))
  func `groups of a dead supervisor's tenants are collected, and those of who is gone when the last one ends`()
    throws
  {
    let fleet = try FleetUnderTest()
    for name in ["web", "gone"] { try fleet.makeTenant(name) }
    try fleet.start()
    for name in ["web", "gone"] {
      #expect(try eventually(within: 20) { try fleet.phase(name) == "running" }, "\(fleet.log)")
      #expect(try fleet.looop(name, "_", "worker", "start", "w", "sleep 300").exitCode == 0)
      #expect(try eventually(within: 20) { try fleet.worker(name, "w")?["phase"]?.string == "running" }, "\(fleet.log)")
    }
    let pid = try #require(try fleet.worker("web", "w")?["pid"]?.int)
    let base = try #require(Self.group(of: pid).split(separator: "/").first { $0.hasPrefix("looop-fleet-") })
    func places(_ name: String) throws -> [String] {
      try RunningProcess.shell("find /sys/fs/cgroup -maxdepth 4 -path '*/\(base)\(name)' 2>/dev/null").output
        .split(separator: "\n").map(String.init)
    }
    let bases = try places("")
    #expect(!bases.isEmpty)
    fleet.killSupervisor()
    // Nobody is left in these: a worker of one that stays, and all of one that is not configured.
    for place in bases {
      for group in ["t-web/w-over", "t-older/beats", "t-older/w-x"] {
        try Directory.create(FilePath(place).appending(FilePath(group).components))
      }
    }
    AtomicFile.remove(fleet.scratch.appending("etc/tenants.d/gone.yaml"))
    try fleet.start()
    #expect(try places("/t-older").isEmpty && places("/t-web/w-over").isEmpty)
    #expect(try places("/t-gone").count == bases.count)
    #expect(fleet.log.contains("t-gone still has processes"), "\(fleet.log)")
    #expect(try eventually(within: 20) { try fleet.worker("web", "w")?["pid"]?.int == pid }, "\(fleet.log)")
    // It is its owner's now; when it ends, its group goes.
    AtomicFile.remove(fleet.dataDir("gone").fleetMark)
    #expect(try fleet.looop("gone", "_", "worker", "kill", "w").exitCode == 0)
    #expect(try eventually(within: 20, every: 100) { try places("/t-gone").isEmpty }, "\(fleet.log)")
    #expect(try fleet.run("down", "--workers").exitCode == 0)
    #expect(try eventually(within: 10) { try places("").isEmpty })
    // One that does not come to start has tried its guards there, and leaves nothing.
    try fleet.scratch.write("fleet:\n  require: [user]\n", to: "etc/fleet.yaml")
    #expect(try fleet.run("serve").errors.contains("required and not enforced"))
    #expect(try places("").isEmpty)
  }
}
