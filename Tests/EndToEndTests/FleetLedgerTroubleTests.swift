import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// The ledger's disk full, its file locked or read-only, under a running fleet in the middle of a decide: what runs is still
/// charged, nothing new starts, `status` says why, and the fleet goes on by itself as soon as it can.
@Suite(
  .serialized, .timeLimit(.minutes(5)),
  .enabled(if: SmallDisk.canMount, "needs root, to mount a small file system for the state directory"))
struct FleetLedgerTroubleTests {
  enum Trouble: String, CaseIterable, Sendable, CustomStringConvertible {
    case full, locked, readOnly

    var description: String { rawValue }
    var words: String {
      switch self {
      case .full: "the ledger is on a full disk"
      case .locked: "another process has locked the ledger"
      case .readOnly: "the ledger cannot be written"
      }
    }
  }

  /// Costs six cents each time that it runs, once it is let go.
  private static let runner = #"""
    #!/bin/bash
    cat >/dev/null
    echo run >>"$LOOOP_DATA_DIR/running"
    while [ ! -e "$LOOOP_DATA_DIR/go" ]; do sleep 0.05; done
    id=$$-$RANDOM
    echo "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"$id\",\"model\":\"claude-sonnet-4-5\"}"
    echo "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"{\\\"action\\\":\\\"noop\\\"}\",\"session_id\":\"$id\",\"total_cost_usd\":0.06,\"usage\":{\"input_tokens\":0,\"output_tokens\":4000}}"
    """#

  @Test(arguments: Trouble.allCases)
  func `it holds every decide, says why, loses nothing, and goes on by itself`(_ trouble: Trouble) throws {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n")
    let disk = try SmallDisk(at: fleet.scratch.appending("state"))
    defer {
      _ = try? fleet.run("down")
      disk.unmount()
    }
    let runner = try fleet.scratch.write(Self.runner, to: "bin/claude", mode: 0o755)
    try fleet.makeTenant("web", yaml: "budget: { usd_per_day: 100 }\n")
    let configuration: JSON = ["tick_command": .string("\(runner)"), "worker_command": "bash {{prompt_file}}"]
    try fleet.scratch.write(configuration.pretty, to: "tenants/web/config.json")
    func runs() -> Int { fleet.scratch.read("tenants/web/running")?.split(separator: "\n").count ?? 0 }
    func money(_ key: String) throws -> Int64 {
      try fleet.tenant("web")?["budget"]?["usd"]?[key]?.double.map(Money.microUSD) ?? -1
    }

    try fleet.start()
    try #require(eventually(within: 30) { runs() == 1 }, "\(fleet.log)")
    #expect(try eventually(within: 10) { try money("reserved") > 0 })
    // In the middle of a decide: its settlement finds the ledger in trouble.
    let heal = try begin(trouble, fleet, disk)
    try fleet.scratch.write("", to: "tenants/web/go")
    try fleet.scratch.write("Another goal.\n", to: "tenants/web/goals/goal.md")
    #expect(try eventually(within: 30) { try fleet.phase("web") == "held" }, "\(fleet.log)")
    #expect(
      try eventually(within: 10) { try fleet.tenant("web")?["reason"]?.string?.contains(trouble.words) == true },
      "\(fleet.log)")
    let budget = try fleet.status()["fleet"]?["guards"]?.array?.first { $0["name"]?.string == "budget" }
    #expect(budget?["enforced"]?.bool == false)
    #expect(runs() == 1, "no runner starts without a hold on disk")
    try heal()
    #expect(try eventually(within: 30) { try fleet.phase("web") == "running" }, "\(fleet.log)")
    // The one in the middle is charged, and the goal that waited is decided.
    let isWhole = try eventually(within: 30) {
      try money("reserved") == 0 && runs() == 2 && money("spent") == 120_000
    }
    let left = try "\(money("spent")) of \(runs()) runs, \(money("reserved")) held"
    #expect(isWhole, "\(left): \(fleet.log)")
  }

  /// Makes the trouble; the answer takes it away again.
  private func begin(_ trouble: Trouble, _ fleet: FleetUnderTest, _ disk: SmallDisk) throws -> () throws -> Void {
    let ledger = fleet.scratch.appending("state/ledger.sqlite")
    switch trouble {
    case .full:
      let ballast = fleet.scratch.appending("state/ballast")
      _ = try RunningProcess.shell("cat /dev/zero >'\(ballast)'; dd if=/dev/zero bs=1 count=4096 >>'\(ballast)'")
      return { AtomicFile.remove(ballast) }
    case .locked:
      let other = try RunningProcess("/usr/bin/env", ["sqlite3", "-batch", ledger.string])
      other.write("BEGIN IMMEDIATE; SELECT 'it is locked';\n")
      guard eventually(within: 10, { other.output.contains("it is locked") }) else { throw TestFailure(other.errors) }
      return {
        other.closeInput()
        _ = other.wait(within: 10)
      }
    case .readOnly:
      // A file that is open stays writable: only the next supervisor sees it.
      fleet.killSupervisor()
      try Self.mount("--bind '\(ledger)' '\(ledger)'")
      try Self.mount("-o remount,bind,ro '\(ledger)'")
      try fleet.start()
      return { _ = try RunningProcess.shell("umount '\(ledger)'") }
    }
  }

  private static func mount(_ arguments: String) throws {
    let done = try RunningProcess.shell("mount \(arguments)")
    guard done.exitCode == 0 else { throw TestFailure("mount: \(done.errors)") }
  }
}

/// A file system of a few megabytes, in memory.
final class SmallDisk: Sendable {
  let path: FilePath

  static let canMount: Bool = {
    guard geteuid() == 0, let scratch = try? ScratchDirectory("mount") else { return false }
    let tried = try? RunningProcess.shell(
      "mount -t tmpfs -o size=64k tmpfs '\(scratch.path)' && umount '\(scratch.path)'")
    return tried?.exitCode == 0
  }()

  init(at path: FilePath) throws {
    self.path = path
    try Directory.create(path)
    let made = try RunningProcess.shell("mount -t tmpfs -o size=4m,mode=711 tmpfs '\(path)'")
    guard made.exitCode == 0 else { throw TestFailure("mount: \(made.errors)") }
  }

  func unmount() { _ = try? RunningProcess.shell("umount -l '\(path)'") }
}
