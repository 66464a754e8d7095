import SystemPackage
import Testing

@testable import Tenant

@Suite struct WorldTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func `FNV-1a 128 gives the published values`() {
    #expect(WorldHash.of([]) == "6c62272e07bb014262b821756295c58d")
    #expect(WorldHash.of(bytes("a")) == "d228cb696f1a8caf78912b704e4a8964")
    #expect(WorldHash.of(bytes("foobar")) == "343e1662793c64bf6f0d3597ba446f18")
  }

  @Test func `the hash is over framed sections`() {
    let world = World(
      playbook: .contents(bytes("P\n")), goals: [.init(id: "g", reading: .contents(bytes("G\n")))],
      snapshots: [
        .init(stem: "sensor-a", bytes: bytes(#"{"signal":{"b":1,"a":2},"detail":9}"#)),
        .init(stem: "sensor-b", bytes: bytes("oops")),
      ])
    let text = "@@ PLAYBOOK.md 2\nP\n@@ goals/g.md 2\nG\n"
    #expect(world.policyHash == WorldHash.of(bytes(text)))
    let rest = "@@ snapshots/sensor-a.json 14\n{\"a\":2,\"b\":1}\n@@ snapshots/sensor-b.json 5\noops\n"
    #expect(world.hash == WorldHash.of(bytes(text + rest)))
    #expect(
      world.items == [
        "playbook": WorldHash.of(bytes("P\n")), "goal:g": WorldHash.of(bytes("G\n")),
        "snap:sensor-a": #"{"a":2,"b":1}"#,
        "snap:sensor-b": "(non-JSON, 4 bytes, fnv \(WorldHash.of(bytes("oops"))))",
      ])
  }

  @Test func `a detail never counts`() {
    func hash(_ detail: Int) -> String {
      World(
        playbook: .absent, goals: [],
        snapshots: [.init(stem: "sensor-a", bytes: bytes(#"{"signal":1,"detail":\#(detail)}"#))]
      ).hash
    }
    #expect(hash(1) == hash(2))
  }

  @Test func `unreadable is neither absent nor empty`() {
    let error = HostError("read", "x", errno: 13)
    let worlds = [FileReading.absent, .contents([]), .unreadable(error)].map {
      World(playbook: $0, goals: [], snapshots: []).hash
    }
    #expect(Set(worlds).count == 3)
  }

  @Test func `the diff names what appeared, changed, went`() throws {
    let world = World(
      playbook: .contents(bytes("new")), goals: [.init(id: "g", reading: .contents(bytes("G")))],
      snapshots: [
        .init(stem: "sensor-a", bytes: bytes(#"{"signal":2}"#)), .init(stem: "sensor-n", bytes: bytes("3")),
      ])
    let baseline = try JSON(parsing: #"{"playbook":"00","snap:sensor-a":"1","snap:sensor-z":"1"}"#)
    #expect(
      WorldDiff.lines(baseline: baseline, world: world) == [
        "+ goal:g appeared (body above)", "~ playbook edited (body above)", "~ snap:sensor-a signal: 1 → 2",
        "+ snap:sensor-n appeared: 3", "- snap:sensor-z gone",
      ])
    #expect(WorldDiff.lines(baseline: nil, world: world) == nil)
    #expect(WorldDiff.lines(baseline: world.itemsJSON, world: world)?.count == 1)
  }

  @Test func `the diff is bounded`() {
    let snapshots = (0..<500).map {
      World.Snapshot(stem: "sensor-\($0)", bytes: bytes(String(repeating: "x", count: 999)))
    }
    let world = World(playbook: .absent, goals: [], snapshots: snapshots)
    let lines = WorldDiff.lines(baseline: [:], world: world) ?? []
    #expect(lines.count == 201)
    #expect(lines.allSatisfy { $0.count < 300 })
  }

  @Test(arguments: [
    ([1, 2, 3, 4, 5, 6], [5]), ([1, 1, 1, 1, 1, 1, 1], []), ([1, 2, 3, 3, 4, 5, 5, 6, 7, 8], [9]),
    ([1, 2, 3, 4, 5, 6, 6, 7], [5, 7]),
  ])
  func `a signal that keeps changing flaps`(_ signals: [Int], _ warnedAt: [Int]) {
    var ledger = FlapLedger()
    var warned: [Int] = []
    for (beat, signal) in signals.enumerated() {
      let (next, flapping) = ledger.advanced(
        by: [.init(stem: "sensor-a", bytes: bytes("\(signal)"))], threshold: 5)
      ledger = next
      #expect(FlapLedger(json: ledger.json) == ledger)
      if flapping.contains(where: \.isNew) { warned.append(beat) }
    }
    #expect(warned == warnedAt)
  }

  @Test func `the flap ledger forgives debris`() throws {
    let json = try JSON(parsing: #"{"v":1,"snaps":{"a":{"last":"1","streak":3},"b":7,"c":{"streak":1}},"x":1}"#)
    #expect(FlapLedger(json: json).entries == ["a": .init(last: "1", streak: 3)])
    #expect(FlapLedger(json: nil).entries.isEmpty)
    let off = FlapLedger(json: json).advanced(by: [.init(stem: "a", bytes: bytes("2"))], threshold: 0)
    #expect(off.flapping.isEmpty)
  }
}
