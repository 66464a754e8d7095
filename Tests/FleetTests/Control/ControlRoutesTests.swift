import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite(.timeLimit(.minutes(2))) struct ControlRoutesTests {
  /// The routes with one known caller, and the audit's lines.
  struct Rig {
    let fleet: InMemoryFleet
    let audited = Locked<[AuditRecord]>([])
    var caller: Caller? = .ops()
    var rate = TokenBucket.Policy(burst: 1000, perSecond: 1000)

    func test<Value: Sendable>(
      _ body: @escaping @Sendable (any TestClientProtocol) async throws -> Value
    ) async throws -> Value {
      let (caller, audited) = (caller, audited)
      let router = ControlServer.router(
        fleet: fleet, audit: { entry in audited.withLock { $0.append(entry) } }, clock: FixedClock(1000).clock,
        rateLimit: rate, identify: { _, _ in caller })
      return try await Application(router: router).test(.router) { try await body($0) }
    }

    func get(_ uri: String) async throws -> (status: Int, json: JSON) { try await send(uri, .get, nil) }

    func post(_ uri: String, _ body: String = "") async throws -> (status: Int, json: JSON) {
      try await send(uri, .post, body)
    }

    func send(_ uri: String, _ method: HTTPRequest.Method, _ body: String?) async throws -> (status: Int, json: JSON) {
      try await test { client in
        try await client.execute(uri: uri, method: method, body: body.map { ByteBuffer(string: $0) }) { response in
          let text = String(buffer: response.body)
          return (response.status.code, (try? JSON(parsing: text)) ?? .string(text))
        }
      }
    }
  }

  @Test func `reads give the same documents as the command line`() async throws {
    let fleet = InMemoryFleet(asks: [InMemoryFleet.ask("web", "a-1"), InMemoryFleet.ask("api", "b-1", at: 800)])
    let rig = Rig(fleet: fleet)
    #expect(try await rig.get("/v1/status").json == (await fleet.document().json))
    #expect(try await rig.get("/v1/asks").json.array?.map { $0["id"]?.string } == ["api/b-1", "web/a-1"])
    #expect(try await rig.get("/v1/asks?tenant=web").json.array?.count == 1)
    #expect(try await rig.get("/v1/asks?older_s=150").json.array?.count == 1)
    #expect(try await rig.get("/v1/asks?irreversible=1").json == [])
    #expect(try await rig.get("/v1/status?tenant=web").json["tenants"]?.array?.count == 1)
    #expect(try await rig.get("/v1/workers").json == [])
    #expect(try await rig.get("/v1/sandboxes").json.array?.first?["state"] == "in_use")
    #expect(try await rig.get("/v1/budget?days=2").json["tenants"]?.array?.count == 2)
    #expect(try await rig.get("/v1/tenants/web").json["uid"] == 1000)
    #expect(try await rig.get("/healthz").json == ["ok": true])
    let metrics = try await rig.get("/metrics").json.string ?? ""
    #expect(metrics.contains("looop_fleet_tenants{phase=\"running\"} 2\n"))
    #expect(metrics.contains("looop_fleet_beats_total{outcome=\"unchanged\"} 12\n"))
    #expect(rig.audited.withLock { $0.isEmpty }, "reads are not audited")
  }

  @Test(arguments: [
    ("/v1/nope", 404, "not_found"), ("/v1/tenants/nope", 404, "not_found"),
    ("/v1/status?tenant=nope", 404, "not_found"), ("/v1/asks?tenant=nope", 404, "not_found"),
    ("/v1/workers?tenant=nope", 404, "not_found"), ("/v1/sandboxes?tenant=nope", 404, "not_found"),
    ("/v1/logs?tenant=nope", 404, "not_found"), ("/v1/wait?tenant=nope", 404, "not_found"),
    ("/v1/events?tenant=nope", 404, "not_found"),
    ("/v1/asks?older_s=x", 400, "invalid_argument"), ("/v1/budget?days=0", 400, "invalid_argument"),
    ("/v1/wait?after=x", 400, "invalid_argument"), ("/v1/wait?only=goals", 400, "invalid_argument"),
    ("/v1/wait?timeout_s=999", 400, "invalid_argument"), ("/v1/tenants/%zz", 400, "invalid_argument"),
  ])
  func `what cannot be is a problem document`(uri: String, status: Int, code: String) async throws {
    let answer = try await Rig(fleet: InMemoryFleet()).get(uri)
    #expect(answer.status == status)
    #expect(answer.json["error"]?["code"]?.string == code)
    #expect(answer.json["error"]?["message"]?.string?.isEmpty == false)
    #expect(Set(answer.json["error"]?.object?.keys.sorted() ?? []) == ["code", "hint", "message"])
  }

  @Test func `the first answer wins, and the later ones are told so`() async throws {
    let fleet = InMemoryFleet(asks: [InMemoryFleet.ask("web", "a 1")])
    let rig = Rig(fleet: fleet)
    let path = "/v1/asks/web/a%201/answer"
    #expect(try await rig.post(path, #"{"text":"  "}"#).status == 400)
    #expect(try await rig.post(path, #"{"text":5}"#).status == 400)
    #expect(try await rig.post(path, "not json").status == 400)
    #expect(try await rig.post(path, "[1]").status == 400)
    #expect(try await rig.post(path, #"{"text":"yes"}"#).status == 200)
    let late = try await rig.post(path, #"{"text":"no"}"#)
    #expect(late.status == 409)
    #expect(late.json["error"]?["code"] == "already_answered")
    let none = try await rig.post("/v1/asks/web/zzz/answer", #"{"text":"no"}"#)
    #expect(none.status == 404)
    #expect(none.json["error"]?["code"] == "no_such_ask")
    #expect(await fleet.answerText("web/a 1") == "yes")
    let entries = rig.audited.withLock { $0 }
    #expect(entries.map(\.outcome).suffix(3) == ["done", "already_answered", "no_such_ask"])
    #expect(entries.allSatisfy { $0.action == "answer" && $0.detail == nil }, "an answer's text is never audited")
  }

  @Test func `eight racing answers have one winner`() async throws {
    let rig = Rig(fleet: InMemoryFleet(asks: [InMemoryFleet.ask("web", "a-1")]))
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<8 {
        group.addTask { try await rig.post("/v1/asks/web/a-1/answer", #"{"text":"\#(number)"}"#).status }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses.sorted() == [200] + Array(repeating: 409, count: 7))
  }

  @Test func `orders reach the fleet and the audit`() async throws {
    let fleet = InMemoryFleet()
    let rig = Rig(fleet: fleet)
    for path in [
      "/v1/tenants/web/pause", "/v1/tenants/web/resume", "/v1/tenants/web/freeze", "/v1/tenants/web/thaw", "/v1/freeze",
      "/v1/thaw", "/v1/drain", "/v1/workers/web/fix/kill", "/v1/reload", "/v1/prune?dry_run=1",
    ] {
      #expect(try await rig.post(path).status == 200, "\(path)")
    }
    let raised = try await rig.post("/v1/tenants/web/raise", #"{"usd":2.5}"#)
    #expect(raised.json["cap"]?.double == 22.5)
    let whole = try await rig.post("/v1/raise", #"{"usd":1,"tokens":1000,"decides":50}"#)
    #expect(whole.json.object?.keys.sorted() == ["budget", "cap", "raised", "tenant"])
    #expect(whole.json["tenant"] == .null && whole.json["budget"]?["decides"]?["cap"] == 550)
    for bad in ["{}", #"{"usd":0}"#, #"{"usd":-1}"#, #"{"usd":1e9}"#, #"{"usd":"5"}"#, #"{"usd":5,"decides":0.5}"#] {
      #expect(try await rig.post("/v1/tenants/web/raise", bad).status == 400, "\(bad)")
    }
    let verb = try await rig.post("/v1/tenants/web/verb", #"{"arguments":["goal","write","g"],"stdin":"x"}"#)
    #expect(verb.json == ["exit_code": 0, "stdout": "goal write gx", "stderr": ""])
    #expect(try await rig.post("/v1/tenants/web/verb", #"{"arguments":[]}"#).status == 400)
    #expect(try await rig.post("/v1/tenants/web/verb", #"{"arguments":["a",1]}"#).status == 400)
    #expect(
      await fleet.orders == [
        "pause web", "resume web", "freeze web", "thaw web", "freeze all", "thaw all", "drain", "kill web/fix",
        "raise web 2500000 0 0", "raise all 1000000 1000 50",
      ])
    #expect(rig.audited.withLock { $0.count } == 21)
    #expect(rig.audited.withLock { $0.first?.target } == "web")
  }

  @Test func `work is seen, landed and restored by ops and by the tenant's own user`() async throws {
    for caller in [Caller.ops(), .tenant("web")] {
      let fleet = InMemoryFleet()
      let rig = Rig(fleet: fleet, caller: caller)
      let diff = try await rig.get("/v1/sandboxes/web/fix/diff").json
      #expect(diff["patch"] == "+two\n" && diff["commits"]?.array?.count == 1)
      let preflight = try await rig.get("/v1/tenants/web/repos/web/preflight?base=next").json
      #expect(preflight["usable"] == false && preflight["findings"]?.array?.first?["means"] == "no next")
      #expect(try await rig.post("/v1/sandboxes/web/fix/land", #"{"dry_run":true}"#).json["dry_run"] == true)
      #expect(try await rig.post("/v1/sandboxes/web/fix/land", #"{"into":"next"}"#).json["into"] == "next")
      let behind = try await rig.post("/v1/sandboxes/web/fix/land", #"{"into":"behind"}"#)
      #expect(behind.status == 409 && behind.json["error"]?["code"] == "conflict")
      #expect(try await rig.post("/v1/sandboxes/web/fix/restore", #"{"as":"again"}"#).json["worker"] == "again")
      #expect(try await rig.post("/v1/prune?tenant=web&dry_run=1").status == 200)
      #expect(
        await fleet.orders == [
          "land web/fix - dry", "land web/fix next", "land web/fix behind", "restore web/fix again",
        ])
      let audited = rig.audited.withLock { $0.map { "\($0.action) \($0.target ?? "") \($0.outcome)" } }
      #expect(
        audited == [
          "land web/fix done", "land web/fix done", "land web/fix conflict", "restore web/fix done", "prune web done",
        ])
    }
    for caller in [Caller.concierge(), .tenant("api"), .stranger()] {
      let fleet = InMemoryFleet()
      let rig = Rig(fleet: fleet, caller: caller)
      #expect(try await rig.get("/v1/sandboxes/web/fix/diff").status == 403)
      #expect(try await rig.get("/v1/tenants/web/repos/web/preflight").status == 403)
      for path in ["/v1/sandboxes/web/fix/land", "/v1/sandboxes/web/fix/restore", "/v1/prune?tenant=web", "/v1/prune"] {
        #expect(try await rig.post(path).status == 403, "\(path)")
      }
      #expect(await fleet.orders.isEmpty)
    }
    #expect(try await Rig(fleet: InMemoryFleet(), caller: .tenant("web")).post("/v1/prune").status == 403)
  }

  @Test func `a role that may not is refused before anything is done`() async throws {
    let fleet = InMemoryFleet(asks: [InMemoryFleet.ask("web", "a-1"), InMemoryFleet.ask("api", "b-1")])
    let rig = Rig(fleet: fleet, caller: .tenant("web"))
    #expect(try await rig.get("/v1/asks").json.array?.map { $0["tenant"]?.string } == ["web"])
    #expect(try await rig.get("/v1/status").json["tenants"]?.array?.count == 1)
    #expect(try await rig.get("/metrics").status == 403)
    #expect(try await rig.get("/v1/audit").status == 403)
    #expect(try await rig.get("/v1/tenants/api").status == 403)
    #expect(try await rig.get("/v1/tenants/nope").status == 403)
    for path in [
      "/v1/asks/api/b-1/answer", "/v1/tenants/api/verb", "/v1/tenants/web/raise", "/v1/raise", "/v1/freeze",
      "/v1/reload", "/v1/asks/@fleet/budget-2026-06-30/answer",
    ] {
      #expect(try await rig.post(path, #"{"text":"yes","usd":1,"arguments":["x"]}"#).status == 403, "\(path)")
    }
    #expect(try await rig.post("/v1/asks/web/a-1/answer", #"{"text":"yes"}"#).status == 200)
    #expect(await fleet.orders.isEmpty)
    #expect(rig.audited.withLock { $0.map(\.outcome) } == Array(repeating: "permission_denied", count: 7) + ["done"])
    let nobody = Rig(fleet: fleet, caller: nil)
    #expect(try await nobody.get("/v1/status").status == 403)
    #expect(try await nobody.get("/healthz").status == 200)
    #expect(try await Rig(fleet: fleet, caller: .stranger()).get("/v1/status").status == 403)
  }

  @Test func `floods and huge bodies are turned away`() async throws {
    let rig = Rig(fleet: InMemoryFleet(), caller: .tenant("web"), rate: .init(burst: 3, perSecond: 0.001))
    let statuses = try await rig.test { client in
      var statuses: [Int] = []
      for _ in 0..<5 {
        statuses.append(try await client.execute(uri: "/v1/asks", method: .get) { $0.status.code })
      }
      return statuses
    }
    #expect(statuses == [200, 200, 200, 429, 429])
    let huge = #"{"text":""# + String(repeating: "x", count: Request.smallBody) + #""}"#
    let answer = try await Rig(fleet: InMemoryFleet()).post("/v1/asks/web/a/answer", huge)
    #expect(answer.status == 413)
    #expect(answer.json["error"]?["code"] == "too_large")
  }

  @Test func `a tenant's user reads his own log lines only`() async throws {
    let fleet = InMemoryFleet()
    await fleet.log("of web", tenant: "web")
    await fleet.log("of api", tenant: "api")
    await fleet.log("of the fleet", tenant: nil)
    func texts(_ caller: Caller, _ query: String = "") async throws -> [String?]? {
      try await Rig(fleet: fleet, caller: caller).get("/v1/logs\(query)").json["lines"]?.array?.map {
        $0["text"]?.string
      }
    }
    #expect(try await texts(.tenant("web")) == ["of web"])
    #expect(try await texts(.ops()) == ["of web", "of api", "of the fleet"])
    #expect(try await texts(.ops(), "?after=2") == ["of the fleet"])
  }
}
