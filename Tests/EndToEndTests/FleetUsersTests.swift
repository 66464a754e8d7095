import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A fleet as root with tenants of different Unix users: who runs as whom, in which control group, and who may do what on the
/// socket. Needs root and `useradd`; elsewhere it is skipped, and says so.
@Suite(.serialized, .timeLimit(.minutes(3)), .enabled(if: geteuid() == 0, "needs root: tenants of two Unix users"))
struct FleetUsersTests {
  static let users = ["looopt1", "looopt2"]

  /// A fleet with a working tenant for each user.
  static func fleet() throws -> FleetUnderTest {
    let fleet = try FleetUnderTest()
    for (name, user) in zip(["web", "api"], users) {
      try fleet.makeWorkingTenant(name, yaml: "user: \(user)\n")
      try UnixUsers.give(fleet.dataDir(name).root, to: user)
      try UnixUsers.give(fleet.repository(name), to: user)
    }
    return fleet
  }

  static func owner(of pid: Int64) throws -> String {
    let text = FileReading.of(FilePath("/proc/\(pid)/status")).text ?? ""
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("Uid:") })
    let uid = try #require(line.split(separator: "\t").dropFirst().first.flatMap { UInt32($0) })
    return try RunningProcess.run("/usr/bin/id", ["-un", "\(uid)"]).output.filter { !$0.isNewline }
  }

  @Test func `everything of a tenant runs as its user, in a control group of its own`() throws {
    let users = try UnixUsers(Self.users)
    let fleet = try Self.fleet()
    try fleet.start()
    #expect(
      try eventually(within: 30) { try fleet.ask("web/mend-1") != nil && fleet.ask("api/mend-1") != nil },
      "\(fleet.log)")
    var groups: Set<String> = []
    for (name, user) in zip(["web", "api"], Self.users) {
      let pid = try #require(try fleet.worker(name, "mend")?["pid"]?.int)
      #expect(try Self.owner(of: pid) == user)
      let group = FileReading.of(FilePath("/proc/\(pid)/cgroup")).text ?? ""
      #expect(group.contains("t-\(name)/w-mend"), "\(group)")
      groups.insert(group)
      let sandbox = try #require(try fleet.worker(name, "mend")?["sandbox"]?.string)
      #expect(try RunningProcess.run("/usr/bin/stat", ["-c", "%U %a", sandbox]).output.hasPrefix(user))
    }
    #expect(groups.count == 2)
    #expect(try fleet.status()["fleet"]?["isolation"]?.string == "user")
    let named = try fleet.status()["fleet"]?["guards"]?.array ?? []
    #expect(named.first { $0["name"]?.string == "user" }?["enforced"]?.bool == true)

    // The other tenant's user reads nothing of it and answers nothing for it.
    let other = Self.users[1]
    let secret = fleet.dataDir("web").root.appending("config.json").string
    chmod(fleet.dataDir("web").root.string, 0o700)
    let read = try RunningProcess.run("/usr/sbin/runuser", ["-u", other, "--", "/bin/cat", secret])
    #expect(read.exitCode != 0)
    let socket = fleet.scratch.appending("state/fleet.sock").string
    /// The status code, and what was said.
    func post(_ user: String, _ path: String, _ body: String) throws -> (code: String, body: String) {
      let said = try RunningProcess.run(
        "/usr/sbin/runuser",
        [
          "-u", user, "--", "/usr/bin/curl", "-s", "-w", "\n%{http_code}", "--unix-socket", socket, "-d", body,
          "http://fleet/v1/\(path)",
        ])
      let lines = said.output.split(separator: "\n", omittingEmptySubsequences: false)
      return (String(lines.last ?? ""), lines.dropLast().joined(separator: "\n") + said.errors)
    }
    func answer(_ user: String, _ ask: String) throws -> (code: String, body: String) {
      try post(user, "asks/\(ask)/answer", "{\"text\":\"yes\"}")
    }
    #expect(try answer(other, "web/mend-1").code == "403")
    #expect(try fleet.ask("web/mend-1") != nil)
    let answered = try answer(Self.users[0], "web/mend-1")
    #expect(answered.code == "200", "\(answered.body)")
    #expect(try eventually(within: 20) { try fleet.worker("web", "mend")?["phase"]?.string == "exited" })
    #expect(try fleet.git("web", "-c", "safe.directory=*", "log", "--format=%an", "-1", "looop/mend").output == "T\n")
    // So it is with the work: its own user brings it home, as itself.
    #expect(try post(other, "sandboxes/web/mend/land", "{}").code == "403")
    let brought = try post(Self.users[0], "sandboxes/web/mend/land", "{}")
    #expect(brought.code == "200", "\(brought.body)")
    #expect(try fleet.git("web", "-c", "safe.directory=*", "log", "--format=%an", "-1", "main").output == "T\n")
    let landed = fleet.repository("web").appending("file.txt").string
    #expect(try RunningProcess.run("/usr/bin/stat", ["-c", "%U", landed]).output == "\(Self.users[0])\n")
    _ = users
  }

  @Test func `a frozen tenant stands still, also after a restart, and a stopped one leaves nobody`() throws {
    let users = try UnixUsers(Self.users)
    let fleet = try Self.fleet()
    try fleet.start()
    #expect(
      try eventually(within: 30) { try fleet.ask("web/mend-1") != nil && fleet.ask("api/mend-1") != nil },
      "\(fleet.log)")
    let pid = try #require(try fleet.worker("web", "mend")?["pid"]?.int)
    #expect(try fleet.run("freeze", "web").exitCode == 0)
    #expect(try fleet.phase("web") == "paused")
    #expect(try fleet.run("answer", "web/mend-1", "yes").exitCode == 1)
    fleet.killSupervisor()
    try fleet.start()
    #expect(try fleet.phase("web") == "paused")
    #expect(try eventually(within: 20) { try fleet.phase("api") == "running" })
    #expect(kill(pid_t(pid), 0) == 0)
    #expect(try fleet.run("thaw", "web").exitCode == 0)
    #expect(try eventually(within: 20) { try fleet.ask("web/mend-1") != nil })
    #expect(try fleet.run("answer", "web/mend-1", "yes").exitCode == 0)
    #expect(try eventually(within: 20) { try fleet.worker("web", "mend")?["phase"]?.string == "exited" })
    // The kernel ends a worker that is held still, without a process of its tenant.
    #expect(try fleet.run("freeze", "api").exitCode == 0)
    let killed = try fleet.run("worker", "kill", "api/mend")
    #expect(killed.exitCode == 0, "\(killed.errors)")
    #expect(try fleet.run("thaw", "api").exitCode == 0)
    #expect(
      try eventually(within: 20) {
        ["exited", "failed"].contains(try fleet.worker("api", "mend")?["phase"]?.string)
      }, "\(fleet.log)")
    #expect(try fleet.run("down", "--workers").exitCode == 0)
    for user in Self.users {
      // A zombie has ended; whether its new parent looks at it is not ours.
      let left = try RunningProcess.run("/bin/ps", ["-u", user, "-o", "stat=,pid=,cgroup=,args="]).output
        .split(separator: "\n").filter { !$0.hasPrefix("Z") }
      #expect(left.isEmpty, "\(left)")
    }
    _ = users
  }
}
