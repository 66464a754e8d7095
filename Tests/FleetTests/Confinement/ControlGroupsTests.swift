import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

extension Confined {
  /// Limits, kill, freeze and what is counted, on this host's own control groups.
  @Suite(
    .serialized, .timeLimit(.minutes(5)), .enabled(if: Confining.isPossible, Confining.reason),
    .enabled(if: Confining.host.hasGroups, "needs a cgroup v2 hierarchy that root may write to"), .confinement)
  struct ControlGroupsTests {
    private let fixture = ConfinementFixture.shared
    private var groups: ControlGroups { fixture.confinement.groups }

    @Test(.enabled(if: Confining.host.memory != nil, "this host offers no memory controller"))
    func `a worker that eats memory is ended alone, and that is told`() throws {
      let tenant = try fixture.tenant("oom") { $0.worker.memoryBytes = 64 << 20 }
      let neighbour = try fixture.start(.worker(tenant, id: "good"), "exec sleep 60")
      defer { reap(neighbour) }
      let outcome = try fixture.run(.worker(tenant, id: "greedy"), "head -c 300M /dev/zero | tail -c 250M >/dev/null")
      #expect(!outcome.reason.succeeded)
      #expect(fixture.confinement.memoryKills(worker: "greedy", of: "oom") > 0)
      #expect(fixture.confinement.memoryKills(worker: "good", of: "oom") == 0)
      #expect(ProcessIdentity.of(neighbour) != nil)
      #expect(fixture.confinement.isPopulated(worker: "good", of: "oom") == true)
    }

    @Test(.enabled(if: Confining.host.processes != nil, "this host offers no pids controller"))
    func `a fork bomb stays below its limit and takes nobody else's processes`() throws {
      let tenant = try fixture.tenant("bomb") { $0.worker.processes = 20 }
      let bomb = try fixture.start(.worker(tenant, id: "b"), "f() { f | f & }; f; sleep 60")
      defer { reap(bomb) }
      let group = ControlGroup.worker("b", of: "bomb")
      #expect(eventually(within: 5) { groups.members(group).count >= 15 })
      #expect(groups.members(group).count <= 20)
      // The same user can still start what is not the bomb.
      #expect(try fixture.run(.beat(tenant), "true && /bin/true").reason == .code(0))
      try groups.kill(group)
      #expect(eventually(within: 5) { groups.isPopulated(group) == false })
    }

    @Test(.enabled(if: Confining.host.cpu != nil, "this host offers no cpu controller"))
    func `a busy worker is held to its share`() throws {
      let tenant = try fixture.tenant("busy") { $0.worker.cpus = 0.2 }
      _ = try fixture.run(.worker(tenant, id: "b"), "while :; do :; done", deadline: 1)
      let used = try #require(fixture.confinement.usage(worker: "b", of: "busy")).cpuSeconds
      // A fifth of a second of the one, with room for the period's granularity and a busy machine.
      #expect(used < 0.5 && used > 0.05)
      #expect(groups.throttlings(.worker("b", of: "busy")) > 0)
    }

    @Test func `a tenant's use is the sum of its groups`() throws {
      let tenant = try fixture.tenant("sum")
      let before = try #require(fixture.confinement.usage(tenant: "sum"))
      _ = try fixture.run(.beat(tenant), "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done")
      let after = try #require(fixture.confinement.usage(tenant: "sum"))
      #expect(after.cpuSeconds > before.cpuSeconds)
      if Confining.host.memory != nil { #expect(after.memoryBytes != nil) }
    }

    @Test func `a changed limit reaches a group that is there`() throws {
      guard Confining.host.processes != nil else { return }
      var tenant = try fixture.tenant("limits") { $0.worker.processes = 20 }
      try fixture.confinement.prepare(worker: "w", of: tenant)
      tenant.worker = ResourceCaps(memoryBytes: 1 << 30, cpus: 1.5, processes: 5)
      try fixture.confinement.prepare(worker: "w", of: tenant)
      let few = try fixture.run(.worker(tenant, id: "w"), "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2 & done; wait")
      #expect(few.complaint.contains("fork"))
      tenant.worker = ResourceCaps()
      let many = try fixture.run(.worker(tenant, id: "w"), "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2 & done; wait")
      #expect(many.reason == .code(0) && many.complaint.isEmpty)
    }

    @Test func `a frozen tenant does nothing, and goes on where it was`() async throws {
      let tenant = try fixture.tenant("ice")
      let pid = try fixture.start(.worker(tenant, id: "w"), "while :; do echo x >>\"$TMPDIR/count\"; sleep 0.01; done")
      defer { reap(pid) }
      let count = tenant.temporaryDirectory.appending("count")
      func size() -> Int { FileReading.of(count).text?.utf8.count ?? 0 }
      #expect(eventually { size() > 4 })
      try groups.setFrozen(true, .tenant("ice"))
      #expect(groups.isFrozen(.worker("w", of: "ice")))
      let still = try await eventually(within: .seconds(5), every: .milliseconds(100)) {
        let before = size()
        try await Task.sleep(for: .milliseconds(200))
        return size() == before
      }
      #expect(still)
      try groups.setFrozen(false, .tenant("ice"))
      let before = size()
      #expect(eventually { size() > before })
    }

    @Test func `a frozen tenant can be stopped`() async throws {
      let tenant = try fixture.tenant("icestop")
      let pid = try fixture.start(.worker(tenant, id: "w"), "sleep 60")
      defer { reap(pid) }
      #expect(eventually { fixture.confinement.isPopulated(worker: "w", of: "icestop") == true })
      try groups.setFrozen(true, .tenant("icestop"))
      let outcome = await fixture.confinement.stop(tenant: tenant)
      guard case .killed(let seconds) = outcome else {
        Issue.record("\(outcome)")
        return
      }
      #expect(seconds < 2)
      // The group is gone with them; to thaw it now is no error.
      try groups.setFrozen(false, .tenant("icestop"))
      #expect(try fixture.run(.worker(tenant, id: "w"), "echo on").text == "on\n")
    }

    @Test func `empty groups nobody wants are removed, and the living are named`() throws {
      let tenant = try fixture.tenant("left")
      _ = try fixture.run(.worker(tenant, id: "done"), "true")
      let pid = try fixture.start(.worker(tenant, id: "alive"), "exec sleep 60")
      defer { reap(pid) }
      #expect(eventually { fixture.confinement.isPopulated(worker: "alive", of: "left") == true })
      #expect(groups.present()["left"] == ["done", "alive"])
      var wanted = groups.present()
      wanted["left"] = ["other"]
      let (removed, living) = fixture.confinement.collect(groups.present(), wanted: wanted)
      #expect(removed == ["t-left/w-done"])
      #expect(living == ["t-left/w-alive"])
      #expect(groups.present()["left"] == ["alive"])
    }

    @Test func `a worker of the time before is brought in with its children, and nobody who is another user's`() throws
    {
      let tenant = try fixture.tenant("early")
      let name = tenant.user.name
      let early = try RunningProcess(
        "/usr/sbin/runuser", ["-u", name, "--", "/bin/bash", "-c", "sleep 61 & sleep 62 & wait"])
      let user = tenant.user.uid
      func own() -> [Int32] {
        ProcessWalk(marks: [], roots: [ProcessIdentity.of(early.pid)].compactMap { $0 }).remaining().pids
          .filter { ProcessWalk.owner(of: $0) == user }
      }
      #expect(eventually { own().count >= 3 })
      let leader = try #require(own().compactMap(ProcessIdentity.of).first)
      let group = ControlGroup.worker("w", of: "early")
      #expect(fixture.confinement.adopt(worker: "w", of: tenant, leader: leader) == .moved(3))
      #expect(Set(groups.members(group)).isSuperset(of: own()))
      #expect(!groups.members(group).contains(early.pid))
      #expect(fixture.confinement.adopt(worker: "w", of: tenant, leader: leader) == .notNeeded)

      // Root's own, and another tenant's that the fleet holds: what a tenant says of pids is only its word.
      let stranger = try RunningProcess("/bin/sleep", ["60"])
      let rooted = try #require(ProcessIdentity.of(stranger.pid))
      let answer = fixture.confinement.adopt(worker: "x", of: tenant, leader: rooted)
      #expect(answer == .partly("process \(rooted.pid) of it runs as somebody else"))
      let other = try fixture.tenant("othernow", user: 1)
      let held = try fixture.start(.worker(other, id: "w"), "exec sleep 60")
      defer { reap(held) }
      #expect(eventually { fixture.confinement.isPopulated(worker: "w", of: "othernow") == true })
      let victim = try #require(ProcessIdentity.of(held))
      #expect(fixture.confinement.adopt(worker: "x", of: tenant, leader: victim) == .notNeeded)
      #expect(groups.isPopulated(.worker("x", of: "early")) == false)
      #expect(fixture.confinement.walk(tenant, leaders: [rooted, victim]).remaining().pids.isEmpty)
    }

    @Test func `a process cannot leave its group`() throws {
      let tenant = try fixture.tenant("cage")
      let member = groups.memberFiles(of: .tenant("cage"))
      let attempts = member.map { "echo 0 >\($0) 2>/dev/null && echo left" }.joined(separator: "; ")
      let top = member.map {
        "echo 0 >\($0.removingLastComponent().removingLastComponent().removingLastComponent())/cgroup.procs 2>/dev/null && echo left"
      }
      .joined(separator: "; ")
      let outcome = try fixture.run(
        .worker(tenant, id: "w"),
        "\(attempts); \(top); mkdir \(member[0].removingLastComponent())/mine 2>/dev/null && echo made; unshare -Ur true 2>/dev/null; cat /proc/self/cgroup"
      )
      #expect(!outcome.text.contains("left") && !outcome.text.contains("made"))
      #expect(outcome.text.contains("/t-cage/w-w"))
    }

    @Test func `a process says where it lives, and who is in a group is known without its tenant's word`() throws {
      let tenant = try fixture.tenant("place")
      let agent = try fixture.start(.worker(tenant, id: "w"), "exec sleep 60")
      defer { reap(agent) }
      #expect(eventually(within: 5) { groups.place(of: agent) == .inside(tenant: "place") })
      #expect(groups.livingWorkers(of: "place") == ["w"])
      #expect(groups.livingWorkers(of: "nobody").isEmpty)
      #expect(groups.place(of: getpid()) == .outside)
      #expect(groups.place(of: 0) == .unknown)
      reap(agent)
      #expect(
        eventually(within: 5) { groups.place(of: agent) == .unknown && groups.livingWorkers(of: "place").isEmpty })
    }
  }
}
