import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A worker in a bubblewrap, started by the fleet as its tenant's user.
@Suite(
  .serialized, .timeLimit(.minutes(3)), .enabled(if: geteuid() == 0, "needs root: tenants of two Unix users"),
  .enabled(if: access("/usr/bin/bwrap", X_OK) == 0, "needs bubblewrap"))
struct FleetBubblewrapTests {
  static let users = ["looopbt1", "looopbt2"]

  @Test func `it sees its own processes, files and temporary directory, works in its sandbox, and asks`() throws {
    let users = try UnixUsers(Self.users)
    let fleet = try FleetUnderTest()
    try fleet.makeWorkingTenant("box", yaml: "user: \(Self.users[0])\nworkers: { bubblewrap: true }\n")
    try fleet.makeTenant("other", yaml: "user: \(Self.users[1])\n")
    for (name, user) in zip(["box", "other"], Self.users) { try UnixUsers.give(fleet.dataDir(name).root, to: user) }
    try UnixUsers.give(fleet.repository("box"), to: Self.users[0])
    try fleet.start()
    let guards = try fleet.status()["fleet"]?["guards"]?.array ?? []
    #expect(guards.first { $0["name"]?.string == "bubblewrap" }?["enforced"]?.bool == true, "\(guards)")

    try fleet.wish(
      "look", of: "box", as: Self.users[0],
      """
      exec >reports/look 2>&1
      id -un; echo processes $(ls -d /proc/[0-9]* | wc -l); echo "tmp $(ls -A /tmp | grep -cv looop)"
      ls -d '\(fleet.dataDir("other").root)' && echo SEEN; ls -d /home/\(Self.users[1]) /root && echo SEEN
      touch /usr/x ~/.bashrc ~/new && echo SEEN; cat /etc/shadow && echo SEEN; kill -0 \(fleet.pid ?? 0) && echo SEEN
      grep NoNewPrivs /proc/self/status
      echo end
      """)
    #expect(
      eventually(within: 30) { fleet.scratch.read("tenants/box/reports/look")?.contains("end\n") == true },
      "\(fleet.log)")
    let seen = fleet.scratch.read("tenants/box/reports/look") ?? ""
    #expect(seen.hasPrefix(Self.users[0]) && !seen.contains("SEEN"), "\(seen)")
    #expect(seen.contains("NoNewPrivs:\t1"), "\(seen)")
    let processes = seen.split(separator: "\n").first { $0.hasPrefix("processes ") }?.split(separator: " ").last
    #expect(processes.flatMap { Int($0) }.map { $0 < 12 } == true, "\(seen)")

    // The one with a worktree: it changes it, asks, is answered, commits, and ends itself.
    #expect(try eventually(within: 30) { try fleet.ask("box/mend-1") != nil }, "\(fleet.log)")
    let pid = try #require(try fleet.worker("box", "mend")?["pid"]?.int)
    #expect(FileReading.of(FilePath("/proc/\(pid)/cgroup")).text?.contains("t-box/w-mend") == true)
    #expect(try fleet.run("answer", "box/mend-1", "yes").exitCode == 0)
    #expect(
      try eventually(within: 20) { try fleet.worker("box", "mend")?["phase"]?.string == "exited" }, "\(fleet.log)")
    #expect(
      try fleet.git("box", "-c", "safe.directory=*", "log", "--format=%s", "-1", "looop/mend").output
        == "the second line\n")
    _ = users
  }
}
