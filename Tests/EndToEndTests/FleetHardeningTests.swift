import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A fleet as root below what its systemd unit restricts, as far as `deploy/systemd/imitate` can: its umask, its few capabilities, a
/// `/proc` that hides everybody whom Landlock does not let a process trace.
@Suite(
  .serialized, .timeLimit(.minutes(2)), .enabled(if: geteuid() == 0, "needs root: a tenant of a Unix user"),
  .enabled(
    if: access("/usr/bin/systemd-analyze", X_OK) == 0, "needs systemd-analyze: it knows the unit's lists of calls"))
struct FleetHardeningTests {
  static let user = "looopth1"
  static let imitate = FilePath("\(#filePath)").removingLastComponent().removingLastComponent()
    .removingLastComponent().appending("deploy").appending("systemd").appending("imitate")

  @Test func `a worker in a worktree lives, is adopted after a restart, asks and commits`() throws {
    let users = try UnixUsers([Self.user])
    let fleet = try FleetUnderTest(fleet: "  require: [user]\n")
    try fleet.makeWorkingTenant("web", yaml: "user: \(Self.user)\n")
    chmod(fleet.dataDir("web").root.string, 0o700)
    for path in [fleet.dataDir("web").root, fleet.repository("web")] { try UnixUsers.give(path, to: Self.user) }
    try fleet.start(under: [Self.imitate.string])
    #expect(try eventually(within: 30) { try fleet.ask("web/mend-1") != nil }, "\(fleet.log)")
    let pid = try fleet.worker("web", "mend")?["pid"]?.int
    // What the tenant itself sees of its worker, in the report of a process that Landlock keeps apart from it.
    func beats() throws -> Int64 { try fleet.tenant("web")?["last_beat"]?["at"]?.int ?? 0 }
    let before = try beats()
    #expect(try eventually(within: 20) { try beats() > before }, "\(fleet.log)")
    #expect(try fleet.worker("web", "mend")?["phase"]?.string == "running", "\(fleet.log)")

    fleet.killSupervisor()
    try fleet.start(under: [Self.imitate.string])
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" }, "\(fleet.log)")
    #expect(try fleet.worker("web", "mend")?["pid"]?.int == pid && pid != nil)
    #expect(try fleet.run("answer", "web/mend-1", "yes").exitCode == 0)
    #expect(
      try eventually(within: 20) { try fleet.worker("web", "mend")?["phase"]?.string == "exited" }, "\(fleet.log)")
    #expect(try fleet.worker("web", "mend")?["reason"]?.string != "its holder died")
    #expect(
      try fleet.git("web", "-c", "safe.directory=*", "log", "--format=%s", "-1", "looop/mend").output
        == "the second line\n")
    _ = users
  }
}
