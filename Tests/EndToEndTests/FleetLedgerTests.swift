import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// The ledger in trouble, under a real fleet: nothing starts, the mailbox goes on, and it heals without anybody's help.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct FleetLedgerTests {
  @Test func `a ledger that cannot be read holds every decide, says why, and is used again when it can be`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeWorkingTenant("web")
    try fleet.start()
    #expect(try eventually(within: 30) { try fleet.ask("web/mend-1") != nil })
    #expect(try fleet.run("budget", "raise", "web", "3").exitCode == 1, "there is no cap to raise")
    fleet.killSupervisor()

    let ledger = fleet.scratch.appending("state/ledger.sqlite")
    let aside = fleet.scratch.appending("state/aside.sqlite")
    for suffix in ["-wal", "-shm"] {
      _ = AtomicFile.rename(from: FilePath(ledger.string + suffix), to: FilePath(aside.string + suffix))
    }
    #expect(AtomicFile.rename(from: ledger, to: aside) == 0)
    try AtomicFile.write("this is no database, and long enough to be looked at as one", to: ledger)
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "held" })
    #expect(try fleet.tenant("web")?["reason"]?.string?.contains("ledger") == true)
    let named = try fleet.status()["fleet"]?["guards"]?.array?.first { $0["name"]?.string == "budget" }
    #expect(named?["enforced"]?.bool == false)
    // The mailbox is the tenants' own: it is read and answered all the same.
    #expect(try eventually(within: 20) { try fleet.ask("web/mend-1") != nil })
    #expect(try fleet.run("answer", "web/mend-1", "yes").exitCode == 0)
    #expect(FileReading.of(ledger).text?.hasPrefix("this is no database") == true, "a corrupt ledger is kept as it is")

    AtomicFile.remove(ledger)
    for suffix in ["-wal", "-shm"] {
      _ = AtomicFile.rename(from: FilePath(aside.string + suffix), to: FilePath(ledger.string + suffix))
    }
    #expect(AtomicFile.rename(from: aside, to: ledger) == 0)
    #expect(try eventually(within: 30) { try fleet.phase("web") == "running" }, "\(fleet.log)")
    #expect(try eventually(within: 20) { (try fleet.tenant("web")?["budget"]?["decides"]?["spent"]?.int ?? 0) >= 1 })
  }

  @Test func `a ledger that is lost while nobody looks holds every decide until somebody gives it up`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeTenant("web")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" }, "\(fleet.log)")
    #expect(try fleet.run("budget", "begin-anew").exitCode == 1, "nothing is lost")
    #expect(try fleet.run("freeze", "web").exitCode == 0)
    fleet.killSupervisor()
    #expect(try RunningProcess.shell("rm '\(fleet.scratch.appending("state"))'/ledger.sqlite*").exitCode == 0)
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "held" }, "\(fleet.log)")
    let doctor = try fleet.run("doctor").output
    #expect(doctor.contains("the ledger is gone") && doctor.contains("looop-fleet budget begin-anew"), "\(doctor)")
    #expect(try fleet.run("budget", "begin-anew").exitCode == 0)
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" }, "\(fleet.log)")
    #expect(try fleet.run("audit").output.contains("ledger begun anew"))
  }

  @Test func `a supervisor killed again and again during decides loses no hold and doubles none`() throws {
    let fleet = try FleetUnderTest()
    // A decider that takes its time and always finds something: each beat is a decide that a kill may cut.
    try fleet.makeTenant(
      "busy", sensors: ["now": "#!/bin/sh\necho \"{\\\"signal\\\":\\\"$(date +%s%N)\\\"}\"\n"],
      yaml: "budget: { decides_per_day: 1000 }\n")
    try fleet.scratch.write(
      #"""
      {"tick_command": "cat >/dev/null; sleep 0.2; printf '{\"action\":\"noop\"}' > .decision.json", "worker_command": "bash {{prompt_file}}"}
      """#, to: "tenants/busy/config.json")
    var seen: Int64 = 0
    for round in 0..<8 {
      try fleet.start()
      #expect(
        try eventually(within: 30) {
          (try fleet.tenant("busy")?["budget"]?["decides"]?["spent"]?.int ?? 0) > seen
        }, "round \(round): \(fleet.log)")
      usleep(UInt32.random(in: 0..<400_000))
      seen = try fleet.tenant("busy")?["budget"]?["decides"]?["spent"]?.int ?? seen
      fleet.killSupervisor()
    }
    try fleet.start()
    // Every run that there was is counted once, and nothing is held for a run that is over.
    #expect(try fleet.run("tenant", "pause", "busy").exitCode == 0)
    var last = ""
    let isSettled = try eventually(within: 30) {
      let runs = try Directory.names(fleet.dataDir("busy").runs).count
      let decides = try fleet.tenant("busy")?["budget"]?["decides"]
      last = "\(decides?.compact ?? "none") with \(runs) runs"
      return decides?["reserved"]?.int == 0 && decides?["spent"]?.int == Int64(runs)
    }
    #expect(isSettled, "\(last)")
  }
}
