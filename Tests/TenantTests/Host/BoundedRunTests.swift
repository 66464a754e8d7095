import SystemPackage
import Tenant
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct BoundedRunTests {
  private func run(_ script: String, _ change: (inout BoundedRun) -> Void) -> RunOutcome {
    var spawn = Spawn("/bin/sh", ["-c", script], environment: HostEnvironment(["PATH": "/usr/bin:/bin"]))
    spawn.newSession = true
    var run = BoundedRun(spawn, deadline: 60, keepOutput: 1000)
    change(&run)
    return run.run()
  }

  @Test func `who says more than is kept is ended where that is wished`() {
    let flood = run("yes") { $0.endsAboveOutput = true }
    #expect(flood.reason == .signal(9) && flood.output.count == 1000 && flood.outputCount > 1000)
    #expect(flood.seconds < 30)
    let short = run("head -c 1000 /dev/zero") { $0.endsAboveOutput = true }
    #expect(short.reason == .code(0) && short.outputCount == 1000)
    let long = run("head -c 5000 /dev/zero") { _ in }
    #expect(long.reason == .code(0) && long.outputCount == 5000)
  }

  @Test func `what nobody wants any more is ended`() {
    let outcome = run("exec sleep 60") { $0.isWanted = { false } }
    #expect(outcome.reason == .signal(9) && outcome.seconds < 30)
    #expect(run("echo x") { $0.isWanted = { true } }.reason == .code(0))
  }
}
