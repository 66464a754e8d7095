import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct SandboxOrderTests {
  private static func order(_ yaml: String = "", shared: Set<FilePath> = []) throws -> SandboxOrder {
    let fleet = try #require(ConfigurationParser().fleet("").configuration)
    let text = "data_dir: /d\nrepos: { web: /r/web, api: /r/api }\n\(yaml)"
    let parsed = ConfigurationParser().tenant(try #require(TenantID("t")), text, file: "t.yaml", fleet: fleet)
    let tenant = try #require(parsed.configuration, "\(parsed.problems)")
    return SandboxOrder(tenant: tenant, root: "/s/t", freeFloor: 7, shared: shared)
  }

  private static func record(_ id: String = "w") -> WorkerRecord {
    var record = WorkerRecord(id: id, requestedAt: 1, generation: "g-\(id)")
    record.base = "main"
    record.repo = "web"
    return record
  }

  /// A configuration, and what of it the helper must be told at the creation.
  static let creations: [(String, [String: JSON])] = [
    ("", ["setup": .null, "setup_timeout_s": 600, "include": true, "disk_max_bytes": .null, "free_floor_bytes": 7]),
    ("sandboxes: { setup: make deps, setup_timeout: 2m }", ["setup": "make deps", "setup_timeout_s": 120]),
    ("sandboxes: { include: false, disk_max: 2G }", ["include": false, "disk_max_bytes": .int(2 << 30)]),
    ("sandboxes: { include: [.env, 'local/*'] }", ["include": [".env", "local/*"]]),
    ("sandboxes: { private: true }", ["private": true]),
  ]

  @Test(arguments: creations) func `what is configured is asked for`(_ row: (String, [String: JSON])) throws {
    let order = try Self.order(row.0)
    let ports = PortLeases.Block(first: 20_000, count: 10)
    let request = order.creation(Self.record(), repo: "web", source: "/r/web", ports: ports)
    for (key, value) in row.1 { #expect(request[key] == value, "\(key)") }
    #expect(request["root"] == "/s/t" && request["worker"] == "w" && request["base"] == "main")
    #expect(request["repo_name"] == "web" && request["repo_path"] == "/r/web")
    #expect(request["ports"] == ["first": 20_000, "count": 10])
  }

  @Test func `a shared repository is a private one for each`() throws {
    let order = try Self.order(shared: ["/r/web"])
    func request(_ source: FilePath) -> JSON {
      order.creation(Self.record(), repo: "x", source: source, ports: nil)
    }
    #expect(request("/r/web")["private"] == true && request("/r/api")["private"] == false)
    #expect(request("/r/api")["ports"] == nil)
    #expect(order.tending([], busy: [])["retire"] == false)
    #expect(try Self.order().tending([], busy: [])["retire"] == true)
  }

  @Test func `whose work is asked for is said by what its record knows of the last start`() throws {
    let order = try Self.order()
    var record = Self.record()
    #expect(order.work(of: "w", nil)["last"] == nil && order.work(of: "w", record)["last"] == nil, "it has not begun")
    (record.branch, record.startedAt) = ("looop/w-2", 5)
    let request = order.work(of: "w", record)
    #expect(request["last"] == ["repo": "web", "branch": "looop/w-2", "started_at": 5] && request["worker"] == "w")
  }

  @Test func `how the repository stands is asked of where the worker will be, but for what is known`() throws {
    let order = try Self.order(shared: ["/r/web"])
    let request = order.baseline(Self.record(), repo: "web", source: "/r/web", known: ["/r/web/.git"])
    #expect(request["private"] == true && request["base"] == "main" && request["known"] == ["/r/web/.git"])
  }

  @Test func `giving back runs the teardown and measures against the kept baselines`() throws {
    let order = try Self.order("sandboxes: { teardown: make clean }")
    let request = order.removal(
      "w", repo: "web", source: "/r/web", ports: .init(first: 1, count: 2), baselines: [["v": 2]])
    #expect(request["ports"] == ["first": 1, "count": 2])
    #expect(request["teardown"] == "make clean" && request["baselines"] == [["v": 2]] && request["sweep"] == false)
  }

  @Test func `a look knows who lives, how the others ended, and how long to keep them`() throws {
    let order = try Self.order("sandboxes: { keep: 10m, keep_failed: 1d, warm_pool: 3 }")
    func worker(_ id: String, _ phase: WorkerRecord.Phase, exit: Int64? = nil) -> TenantReport.Worker {
      var record = Self.record(id)
      record.phase = phase
      return TenantReport.Worker(record: record, health: nil, exitCode: exit, endedAt: 50)
    }
    let workers = [
      worker("lives", .running), worker("done", .exited, exit: 0), worker("killed", .exited),
      worker("bad", .exited, exit: 2), worker("never", .failed),
    ]
    let request = order.tending(workers, busy: ["lives", "coming"])
    #expect(request["live"] == ["coming", "lives"])
    #expect(request["keep_s"] == ["default": 600, "failed": 86_400])
    #expect(request["pool_max"] == 3 && request["free_floor_bytes"] == 7)
    let outcomes = (request["workers"]?.array ?? []).map { "\($0["id"]?.string ?? ""):\($0["outcome"]?.string ?? "")" }
    #expect(outcomes == ["done:completed", "killed:completed", "bad:failed", "never:failed"])
    #expect(request["workers"]?.array?.allSatisfy { $0["live"] == false && $0["ended_at"] == 50 } == true)
    #expect(order.keeps(workers[3]) == .seconds(86_400) && order.keeps(workers[1]) == .seconds(600))
  }

  @Test func `what is occupied is what was measured and what was made since`() {
    func row(_ state: String, _ bytes: Int64) -> SandboxRow {
      SandboxRow(
        tenant: "t", worker: nil, repo: "web", path: "", branch: nil, state: state, reason: nil, bytes: bytes,
        createdAt: nil)
    }
    var keeping = SandboxKeeping()
    #expect(keeping.diskEstimate == nil)
    keeping.diskBytes = 500
    #expect(keeping.diskEstimate == 500)
    keeping.madeSince = 2
    #expect(keeping.diskEstimate == nil, "nothing tells how large they are")
    keeping.rows = [row("kept", 20), row("in_use", 30), row("quarantined", 1000)]
    #expect(keeping.diskEstimate == 560)
    keeping.lookFailed = true
    #expect(keeping.diskEstimate == nil, "what was seen before tells nothing of now")
  }

  // MARK: - Ports

  @Test func `blocks never overlap, whoever asks and however large`() {
    var leases = PortLeases()
    var given: [Range<Int>] = []
    for (number, count) in [10, 3, 25, 10, 1, 10].enumerated() {
      let block = leases.lease("t\(number)/w", count: count, in: 2000...2099) { _ in true }
      #expect(block?.count == count)
      if let block {
        #expect(!given.contains { $0.overlaps(block.ports) }, "\(block)")
        given.append(block.ports)
      }
    }
    #expect(leases.lease("t0/w", count: 10, in: 2000...2099) { _ in false }?.first == 2000, "asked again")
    #expect(leases.lease("x/w", count: 50, in: 2000...2099) { _ in true } == nil, "no room")
    leases.release("t2/w")
    #expect(leases.lease("x/w", count: 25, in: 2000...2099) { _ in true }?.first == 2013)
    leases.retain(["w"], of: "t0")
    leases.retain([], of: "t1")
    #expect(leases.blocks["t0/w"] != nil && leases.blocks["t1/w"] == nil && leases.blocks["x/w"] != nil)
    #expect(PortLeases(json: leases.json) == leases)
  }

  @Test func `what listens already is passed over, and what was given survives`() throws {
    var leases = PortLeases()
    #expect(leases.lease("a/w", count: 4, in: 2000...2015) { ![2001, 2006].contains($0) }?.first == 2002)
    #expect(leases.lease("b/w", count: 4, in: 2000...2010) { _ in true }?.first == 2006)
    #expect(leases.lease("c/w", count: 4, in: 2000...2010) { _ in true } == nil)
    let scratch = try ScratchDirectory("ports")
    let file = scratch.appending("ports.json")
    let first = try PortRegister(file: file).lease("a/w", count: 2, in: 40_100...40_199)
    let second = try PortRegister(file: file).lease("b/w", count: 2, in: 40_100...40_199)
    #expect(first != nil && second != nil && first?.ports.overlaps(second!.ports) == false)
    // Who listens at the newer kind of address alone has the port as well.
    let listener = socket(AF_INET6, CInt(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var (yes, address) = (CInt(1), sockaddr_in6())
    setsockopt(listener, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &yes, 4)
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = in_port_t(40_210).bigEndian
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
      }
    }
    if isBound {
      let third = try PortRegister(file: file).lease("c/w", count: 2, in: 40_210...40_219)
      #expect(third?.ports.contains(40_210) == false)
      try PortRegister(file: file).change { $0.release("c/w") }
    }
    try PortRegister(file: file).change { $0.release("a/w") }
    #expect(PortLeases(json: try #require(StateFile.read(file).value)).blocks.keys.sorted() == ["b/w"])
  }

  // MARK: - Pace

  struct Pace: Sendable {
    var took = 0.01
    var isLate = false
    var isEmpty = false
    var fills = false
    var retry = 5.0
    var expires: Double?
    var next: Double
  }

  static let paces = [
    Pace(next: 600), Pace(isEmpty: true, next: 21_600), Pace(isLate: true, next: 5),
    Pace(isLate: true, retry: 900, next: 600), Pace(took: 2, isLate: true, next: 40), Pace(took: 60, next: 1200),
    Pace(expires: 90, next: 90), Pace(expires: 0.2, next: 1), Pace(expires: 9000, next: 600),
    Pace(took: 2, expires: 1, next: 40), Pace(fills: true, next: 30), Pace(took: 12, fills: true, next: 240),
    Pace(isLate: true, fills: true, next: 5),
  ]

  @Test(arguments: paces) func `a look takes a small part of the time`(_ row: Pace) {
    let next = TendingPace.next(
      after: row.took, isLate: row.isLate, isEmpty: row.isEmpty, fills: row.fills, retry: row.retry,
      expires: row.expires)
    #expect(next == row.next)
  }
}
