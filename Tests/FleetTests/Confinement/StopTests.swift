import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

extension Confined {
  /// Stop means stopped, whatever the tenant's processes did to stay.
  @Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: Confining.isPossible, Confining.reason), .confinement)
  struct StopTests {
    private let fixture = ConfinementFixture.shared

    /// Thirty children that fork twice, leave the session, hear no signal, call themselves something else and are busy; then the
    /// one who made them exits.
    private static let swarm = """
      for i in $(seq 30); do
        ( setsid bash -c 'trap "" TERM HUP INT QUIT; ( exec -a innocent bash -c "trap \\"\\" TERM HUP INT QUIT; while :; do :; done" ) & ' & )
      done
      sleep 0.2
      """

    @Test(.enabled(if: Confining.host.hasGroups, "needs a cgroup v2 hierarchy that root may write to"))
    func `thirty busy orphans are gone within five seconds, and nobody else's twin is touched`() async throws {
      let tenant = try fixture.tenant("swarm") { $0.worker.cpus = 1.5 }
      let other = try fixture.tenant("twin", user: 1)
      let twin = try fixture.start(.worker(other, id: "w"), "exec -a innocent sleep 60")
      let stranger = try RunningProcess("/bin/bash", ["-c", "exec -a innocent sleep 60"])
      defer { reap(twin) }
      _ = try fixture.run(.worker(tenant, id: "w"), Self.swarm)
      let group = ControlGroup.worker("w", of: "swarm")
      #expect(eventually(within: 30) { fixture.confinement.groups.members(group).count >= 30 })

      let started = HostClock.system.monotonic()
      let outcome = await fixture.confinement.stop(tenant: tenant)
      #expect(HostClock.system.monotonic() - started < 5)
      guard case .killed = outcome else {
        Issue.record("\(outcome)")
        return
      }
      #expect(fixture.confinement.groups.members(.tenant("swarm")).isEmpty)
      #expect(ProcessIdentity.of(twin) != nil && stranger.isRunning)
      #expect(fixture.confinement.isPopulated(worker: "w", of: "twin") == true)
    }

    @Test func `who goes when asked may clean up first`() async throws {
      let tenant = try fixture.tenant("polite")
      let pid = try fixture.start(
        .worker(tenant, id: "w"),
        "trap 'echo bye >\"$TMPDIR/bye\"; exit 0' TERM; touch \"$TMPDIR/up\"; while :; do sleep 0.01; done")
      let exit = Task.detached { reapWhenDone(pid) }
      #expect(eventually { FileReading.of(tenant.temporaryDirectory.appending("up")) != .absent })
      let outcome = await fixture.confinement.stop(worker: "w", of: tenant)
      guard case .ended = outcome else {
        Issue.record("\(outcome)")
        return
      }
      await exit.value
      #expect(FileReading.of(tenant.temporaryDirectory.appending("bye")).text == "bye\n")
      #expect(await fixture.confinement.stop(worker: "w", of: tenant) == .alreadyGone)
    }

    @Test(.enabled(if: Confining.host.hasGroups, "needs a cgroup v2 hierarchy that root may write to"))
    func `who was started before the stop and comes after it finds no group to join`() async throws {
      let tenant = try fixture.tenant("late")
      let spawn = try fixture.confinement.spawn(for: .worker(tenant, id: "w"), ["/bin/bash", "-c", "echo ran"])
      #expect(await fixture.confinement.stop(tenant: tenant) == .alreadyGone)
      let outcome = BoundedRun(spawn, deadline: 10).run()
      #expect(outcome.reason == .code(125) && outcome.text.isEmpty)
      // A start that is meant to be makes the group again.
      #expect(try fixture.run(.worker(tenant, id: "w"), "echo ran").text == "ran\n")
    }

    @Test func `one worker's stop leaves the tenant's others alone`() async throws {
      let tenant = try fixture.tenant("pair")
      let one = try fixture.start(.worker(tenant, id: "one"), "exec sleep 60")
      let two = try fixture.start(.worker(tenant, id: "two"), "exec sleep 60")
      defer { reap(two) }
      let exit = Task.detached { reapWhenDone(one) }
      #expect(eventually { fixture.confinement.isPopulated(worker: "one", of: "pair") != false })
      #expect(await fixture.confinement.stop(worker: "one", of: tenant).isGone)
      await exit.value
      #expect(ProcessIdentity.of(two) != nil)
    }

    @Test func `without groups the walk finds double forks, new sessions and new names by their marks`() async throws {
      let tenant = try fixture.tenant("walk")
      let other = try fixture.tenant("walktwin", user: 1)
      let twin = try fixture.start(.worker(other, id: "w"), "exec -a innocent sleep 60")
      defer { reap(twin) }
      _ = try fixture.run(.worker(tenant, id: "w"), Self.swarm)
      let walk = ProcessWalk(tenant: tenant, worker: "w")
      #expect(eventually(within: 30) { walk.remaining().pids.count >= 30 })
      let outcome = await StopRun.run(walk, policy: .init(grace: 0.3))
      guard case .killed(let seconds) = outcome else {
        Issue.record("\(outcome)")
        return
      }
      #expect(seconds < 5)
      #expect(!walk.remaining().isPopulated)
      #expect(ProcessIdentity.of(twin) != nil)
    }
  }
}

/// Waits for a child of the test, as the supervisor does: a zombie is still a member of its group.
private func reapWhenDone(_ pid: Int32) {
  var status: CInt = 0
  waitpid(pid, &status, 0)
}
