import Fleet
import Tenant
import Testing

/// The keys are an interface: these tests hold them to the letter.
@Suite struct FleetDocumentTests {
  func keys(_ json: JSON?) -> [String]? { json?.object?.keys.sorted() }

  @Test func `status has exactly the keys of the interface`() async throws {
    let json = await InMemoryFleet().document().json
    #expect(keys(json) == ["fleet", "tenants"])
    #expect(
      keys(json["fleet"]) == [
        "asks_pending", "beats_in_flight", "budget", "budget_note", "decides_in_flight", "guards", "isolation", "pid",
        "uptime_s", "usd_today",
        "version", "workers",
      ])
    #expect(keys(json["fleet"]?["workers"]) == ["live", "max", "pending"])
    #expect(keys(json["fleet"]?["guards"]?.array?.first) == ["detail", "enforced", "hint", "level", "name"])
    let row = try #require(json["tenants"]?.array?.first)
    #expect(
      keys(row) == [
        "asks", "budget", "cpu", "data_dir", "disk_bytes", "last_beat", "limits", "memory_bytes", "name",
        "next_beat_at",
        "occupied_bytes", "phase", "processes", "reason", "sandboxes", "user", "workers",
      ])
    #expect(keys(row["cpu"]) == ["percent", "seconds"])
    #expect(keys(row["last_beat"]) == ["at", "duration_ms", "outcome"])
    #expect(keys(row["workers"]) == ["live", "max", "pending"])
    #expect(keys(row["budget"]) == ["day", "decides", "resets_at", "state", "tokens", "usd"])
    for axis in ["usd", "tokens", "decides"] { #expect(keys(row["budget"]?[axis]) == ["cap", "reserved", "spent"]) }
    #expect(keys(row["asks"]) == ["oldest_s", "pending"])
    #expect(row["budget"]?["usd"]?["spent"] == .double(1.2))
    #expect(row["budget"]?["tokens"]?["cap"] == .null)
  }

  @Test func `workers have exactly the keys of the interface`() {
    let row = WorkerRow(tenant: "web", id: "fix", phase: .pending, reason: "no place", position: 2, spent: 250_000)
    #expect(
      keys(row.json) == [
        "branch", "exit_code", "health", "id", "phase", "pid", "position", "reason", "sandbox", "started_at", "tenant",
        "usd",
      ])
    #expect(row.json["usd"] == .double(0.25))
    #expect(WorkerRow(json: row.json) == row)
  }

  @Test func `a document comes back as it was, over the wire too`() async throws {
    let document = await InMemoryFleet().document()
    let wire = try JSON(parsing: document.json.compact)
    #expect(FleetDocument(json: wire) == document)
    #expect(FleetDocument(json: ["error": 1]) == nil)
    var unmeasured = document
    unmeasured.tenants[0].use = nil
    #expect(unmeasured.json["tenants"]?.array?[0]["cpu"] == .null)
    #expect(unmeasured.json["tenants"]?.array?[0]["memory_bytes"] == .null)
    #expect(FleetDocument(json: try JSON(parsing: unmeasured.json.compact)) == unmeasured)
  }

  @Test(arguments: [Int64(0), 1, 10, 333_333, 999_999, 20_000_000, 123_456_789_012])
  func `money keeps its last micro-dollar on the way`(micro: Int64) throws {
    #expect(try JSON(parsing: JSON.usd(micro).compact).microUSD == micro)
  }

  @Test(arguments: TenantPhase.allCases)
  func `the exit status says whether all is well`(phase: TenantPhase) async {
    var document = await InMemoryFleet().document()
    document.tenants[0].phase = phase
    let isTrouble = [.held, .degraded, .quarantined, .foreign].contains(phase)
    #expect(document.exitStatus == (isTrouble ? 1 : 0))
    #expect(!phase.meaning.isEmpty)
  }

  @Test func `the log keeps each tenant's last lines, whoever floods`() {
    var ring = LogRing()
    ring.append("quiet", tenant: "api", at: 1)
    for number in 0..<1000 { ring.append("loud \(number)", tenant: "web", at: 2) }
    ring.append(String(repeating: "x", count: 9999), tenant: nil, at: 3)
    #expect(ring.lines(tenant: "api", after: nil, limit: 10).map(\.text) == ["quiet"])
    #expect(ring.lines(tenant: "web", after: nil, limit: 1000).count == LogRing.linesPerTenant)
    #expect(ring.lines(tenant: nil, after: 1000, limit: 10).map(\.sequence) == [1001, 1002])
    #expect((ring.lines(tenant: nil, after: 1001, limit: 1).first?.text.utf8.count ?? 0) < 2100)
    ring.remove(tenant: "web")
    #expect(ring.lines(tenant: "web", after: nil, limit: 10).isEmpty)
  }

  @Test func `a guard's level comes back, and an older fleet's is guessed from what it says`() async throws {
    var document = await InMemoryFleet().document()
    document.guards = FleetDocument.Guard.Level.allCases.map { .init(name: $0.rawValue, level: $0, detail: "x") }
    let json = document.json
    #expect(FleetDocument(json: json)?.guards == document.guards)
    #expect(json["fleet"]?["guards"]?.array?.map { $0["enforced"]?.bool } == [true, false, false])
    let old: JSON = [
      "fleet": ["guards": [["name": "a", "enforced": true], ["name": "b", "enforced": false]]], "tenants": [],
    ]
    #expect(FleetDocument(json: old)?.guards.map(\.level) == [.enforced, .absent])
  }
}
