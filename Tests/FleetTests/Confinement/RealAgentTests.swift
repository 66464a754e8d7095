import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

extension Confined {
  /// The real `claude` and `codex`, confined as a tenant's runner is, against a scripted model on loopback: they think, run their shell
  /// tool, write to the data dir, and keep what is theirs in the tenant's runner home. They are 700 MB, so where they are
  /// is said by `LOOOP_REAL_AGENTS`, or they lie in `/opt/looop-real-agents`.
  @Suite(
    .serialized, .timeLimit(.minutes(10)), .enabled(if: Confining.isPossible, Confining.reason),
    .enabled(
      if: RealAgents.areForEveryUser,
      "needs the real agents where every user may run them (/opt), and their scripted model"), .confinement)
  struct RealAgentTests {
    private let fixture = ConfinementFixture.shared

    @Test func `claude works under every guard`() throws {
      let tenant = try fixture.tenant("claude") { $0.readable = [RealAgents.directory] }
      let model = try RealAgents.Model(
        fixture.scratch, command: "id -un; echo made >made; cat /etc/shadow; ls /home; pwd")
      let outcome = try fixture.run(
        .worker(tenant, id: "w"),
        """
        export ANTHROPIC_BASE_URL=http://127.0.0.1:\(model.port) ANTHROPIC_API_KEY=sk-test DISABLE_TELEMETRY=1 \
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_AUTOUPDATER=1
        echo 'please start' | \(RealAgents.directory)/bin/claude -p --output-format stream-json --verbose \
          --dangerously-skip-permissions --model sonnet
        """, deadline: 40)
      #expect(outcome.reason == .code(0), "\(outcome.complaint)\n\(outcome.text.suffix(2000))")
      try expectWorked(tenant, model, home: "claude")
    }

    @Test func `codex works under every guard`() throws {
      let tenant = try fixture.tenant("codex", user: 1) { $0.readable = [RealAgents.directory] }
      let model = try RealAgents.Model(
        fixture.scratch, command: "id -un; echo made >made; cat /etc/shadow; ls /home; pwd")
      let outcome = try fixture.run(
        .worker(tenant, id: "w"), model.codex("--dangerously-bypass-approvals-and-sandbox"), deadline: 40)
      #expect(outcome.reason == .code(0), "\(outcome.complaint)\n\(outcome.text.suffix(2000))")
      try expectWorked(tenant, model, home: "codex")
    }

    @Test func `codex can make a sandbox of its own where Landlock is off for the tenant`() throws {
      let tenant = try fixture.tenant("codexbox", user: 2) {
        $0.readable = [RealAgents.directory]
        $0.landlock = .off
      }
      let model = try RealAgents.Model(fixture.scratch, command: "id -un; echo made >made; echo out >/var/tmp/codexbox")
      let outcome = try fixture.run(.worker(tenant, id: "w"), model.codex("--sandbox workspace-write"), deadline: 60)
      #expect(outcome.reason == .code(0), "\(outcome.complaint)\n\(outcome.text.suffix(2000))")
      #expect(FileReading.of(tenant.dataDirectory.appending("made")).text == "made\n")
      #expect(model.heard.contains("Read-only file system"))
    }

    @Test(.enabled(if: Bubblewrap.problem() == nil, "needs bubblewrap"))
    func `codex makes a sandbox of its own inside a worker's bubblewrap`() throws {
      let tenant = try fixture.tenant("codexwrap", user: 0) {
        $0.readable = [RealAgents.directory]
        $0.bubblewrap = true
      }
      let model = try RealAgents.Model(
        fixture.scratch, command: "id -un; echo made >made; echo out >/var/tmp/codexwrap; ls /home")
      let work = ConfinedWork.worker(tenant, id: "w")
      try fixture.confinement.prepare(worker: "w", of: tenant)
      let command =
        try fixture.confinement.within(worker: tenant)
        + ["/bin/bash", "-c", model.codex("--sandbox workspace-write")]
      let outcome = BoundedRun(try fixture.confinement.spawn(for: work, command), deadline: 60).run()
      #expect(outcome.reason == .code(0), "\(outcome.complaint)\n\(outcome.text.suffix(2000))")
      #expect(FileReading.of(tenant.dataDirectory.appending("made")).text == "made\n")
      #expect(model.heard.contains("Read-only file system"))
    }

    /// The kernel lets nobody mount inside Landlock. Should that change, this test says so, and the choice can go.
    @Test func `inside Landlock codex cannot, and refuses to run anything unconfined`() throws {
      let tenant = try fixture.tenant("codexland", user: 3) { $0.readable = [RealAgents.directory] }
      let model = try RealAgents.Model(fixture.scratch, command: "echo made >made")
      let outcome = try fixture.run(.worker(tenant, id: "w"), model.codex("--sandbox workspace-write"), deadline: 60)
      #expect(outcome.reason == .code(0), "\(outcome.complaint)\n\(outcome.text.suffix(2000))")
      #expect(FileReading.of(tenant.dataDirectory.appending("made")) == .absent)
      #expect(model.heard.contains("Permission denied"))
    }

    private func expectWorked(_ tenant: ConfinedTenant, _ model: RealAgents.Model, home: String) throws {
      let made = tenant.dataDirectory.appending("made")
      #expect(FileReading.of(made).text == "made\n")
      // The tool ran as the tenant, and saw nothing that is not the tenant's.
      #expect(model.heard.contains(tenant.user.name) && !model.heard.contains("root:"))
      let kept = try RunningProcess.shell("find \(tenant.resolvedRunnerHome)/\(home) -type f | head -3")
      #expect(!kept.output.isEmpty)
    }
  }
}
