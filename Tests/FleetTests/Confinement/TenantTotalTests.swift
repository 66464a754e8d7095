import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

extension Confined {
  /// What a tenant as a whole may use, whatever each of its workers may.
  @Suite(
    .serialized, .timeLimit(.minutes(5)), .enabled(if: Confining.isPossible, Confining.reason),
    .enabled(if: Confining.host.hasGroups, "needs a cgroup v2 hierarchy that root may write to"), .confinement)
  struct TenantTotalTests {
    private let fixture = ConfinementFixture.shared
    private var groups: ControlGroups { fixture.confinement.groups }

    @Test(.enabled(if: Confining.host.memory != nil, "this host offers no memory controller"))
    func `of a tenant that runs out of memory one worker goes, though none has a limit of its own`() throws {
      let tenant = try fixture.tenant("whole") { $0.total.memoryBytes = 96 << 20 }
      let small = try fixture.start(
        .worker(tenant, id: "small"), "x=$(head -c 8M /dev/zero | tr '\\0' x); touch held; sleep 60")
      defer { reap(small) }
      #expect(eventually(within: 10) { FileReading.of(tenant.dataDirectory.appending("held")) != .absent })
      let big = try fixture.run(.worker(tenant, id: "big"), "head -c 300M /dev/zero | tail -c 250M >/dev/null")
      #expect(!big.reason.succeeded)
      #expect(fixture.confinement.memoryKills(worker: "big", of: "whole") > 0)
      #expect(fixture.confinement.memoryKills(worker: "small", of: "whole") == 0)
      #expect(ProcessIdentity.of(small) != nil)
    }

    @Test(.enabled(if: Confining.host.memory != nil, "this host offers no memory controller"))
    func `what its workers leave in shared memory counts as its own, also when they are gone`() throws {
      let tenant = try fixture.tenant("shared") { $0.total.memoryBytes = 96 << 20 }
      let name = "/dev/shm/looop-test-\(getpid())"
      defer { for number in 1...2 { unlink("\(name)-\(number)") } }
      func leave(_ number: Int) throws -> RunOutcome {
        try fixture.run(.worker(tenant, id: "w\(number)"), "head -c 60M /dev/zero >\(name)-\(number)")
      }
      #expect(try leave(1).reason.succeeded)
      groups.remove(.worker("w1", of: "shared"))
      #expect((fixture.confinement.usage(tenant: "shared")?.memoryBytes ?? 0) > 60 << 20)
      #expect(try !leave(2).reason.succeeded)
    }

    @Test(.enabled(if: Confining.host.processes != nil, "this host offers no pids controller"))
    func `processes of all its workers together stay below its limit`() throws {
      let tenant = try fixture.tenant("many") {
        $0.worker.processes = 20
        $0.total.processes = 25
      }
      let bombs = try ["a", "b"].map { try fixture.start(.worker(tenant, id: $0), "f() { f | f & }; f; sleep 60") }
      defer { for bomb in bombs { reap(bomb) } }
      #expect(eventually(within: 5) { groups.members(.tenant("many")).count >= 20 })
      for _ in 0..<20 { #expect(groups.members(.tenant("many")).count <= 25) }
      try groups.kill(.tenant("many"))
      #expect(eventually(within: 5) { groups.isPopulated(.tenant("many")) == false })
    }

    @Test(.enabled(if: Confining.host.cpu != nil, "this host offers no cpu controller"))
    func `busy workers share its processors, and a changed share reaches those that run`() throws {
      var tenant = try fixture.tenant("share") {
        $0.worker.cpus = 1
        $0.total.cpus = 0.3
      }
      let busy = try ["a", "b"].map { try fixture.start(.worker(tenant, id: $0), "while :; do :; done") }
      defer { for pid in busy { reap(pid) } }
      #expect(eventually(within: 20) { groups.throttlings(.tenant("share")) >= 10 })
      let (began, before) = (
        HostClock.system.monotonic(), try #require(fixture.confinement.usage(tenant: "share")).cpuSeconds
      )
      #expect(eventually(within: 20) { groups.throttlings(.tenant("share")) >= 20 })
      let used = try #require(fixture.confinement.usage(tenant: "share")).cpuSeconds - before
      #expect(used < 0.45 * (HostClock.system.monotonic() - began) + 0.1)
      // v1 takes no share above that of the group around it, nor one below that of a group within.
      for share in [1.5, 0.2, nil, 0.5] {
        tenant.total.cpus = share
        try fixture.confinement.limitAnew(tenant)
      }
      try groups.kill(.tenant("share"))
    }

    @Test func `a group's limits are never above those of the one around it`() {
      let whole = ResourceCaps(memoryBytes: 10, cpus: nil, processes: 5)
      #expect(
        ResourceCaps(memoryBytes: 20, cpus: 2, processes: 3).within(whole)
          == ResourceCaps(memoryBytes: 10, cpus: 2, processes: 3))
      #expect(ResourceCaps().within(whole) == ResourceCaps())
    }
  }
}
