import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// An ask that nobody answers is told again, through the configured hook: at the ages that the configuration names, also by the next
/// supervisor, and no more once it is answered.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct FleetReminderTests {
  @Test func `an ask that stays unanswered is told again, by the next supervisor too, until somebody answers`() throws {
    let fleet = try FleetUnderTest(
      fleet: "  meter_every: 1s\n  hooks: { ask: [\"SCRATCH/notify\"], reminders: [3s, 6s, 1h] }\n")
    let told = fleet.scratch.appending("told")
    try fleet.scratch.write("#!/bin/bash\ncat >>'\(told)'\n", to: "notify", mode: 0o755)
    let configuration = try #require(fleet.scratch.read("etc/fleet.yaml"))
    try fleet.scratch.write(
      configuration.replacing("SCRATCH", with: fleet.scratch.path.string), to: "etc/fleet.yaml")
    try fleet.makeWorkingTenant("web")
    try fleet.start()

    func notices() -> [(event: String, number: Int64, at: Int64)] {
      (fleet.scratch.read("told") ?? "").split(separator: "\n").compactMap { try? JSON(parsing: String($0)) }
        .filter { $0["id"]?.string == "web/mend-1" }
        .map { ($0["event"]?.string ?? "", $0["reminder"]?.int ?? -1, $0["age_s"]?.int ?? -1) }
    }
    // At least once: a supervisor that is killed before it noted an acknowledgement tells the same notice again.
    func numbers() -> [Int64] { Set(notices().map(\.number)).sorted() }
    #expect(eventually(within: 30) { numbers() == [0] }, "\(fleet.log)")
    #expect(eventually(within: 20) { numbers() == [0, 1] }, "\(notices()) \(fleet.log)")
    #expect(notices().map(\.event) == ["ask", "reminder"] && notices().last.map { $0.at >= 3 } == true)
    fleet.killSupervisor()
    try fleet.start()
    // What was told is told no more; the next reminder comes in its time.
    #expect(eventually(within: 20) { numbers() == [0, 1, 2] }, "\(notices()) \(fleet.log)")
    #expect(notices().last.map { $0.at >= 6 } == true)

    #expect(try fleet.run("answer", "web/mend-1", "yes").exitCode == 0)
    #expect(try eventually(within: 20) { try fleet.asks().isEmpty })
    #expect(
      try eventually(within: 20) {
        try fleet.status()["fleet"]?["guards"]?.array?.first { $0["name"]?.string == "delivery" }?["enforced"]?.bool
          == true
      })
    #expect(numbers() == [0, 1, 2])
  }
}
