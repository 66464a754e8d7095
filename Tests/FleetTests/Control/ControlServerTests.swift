import Glibc
import Logging
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// The server over a real socket, its client, and the built program as a third party.
@Suite(.timeLimit(.minutes(3)), .serialized) struct ControlServerTests {
  /// Serves until the body is done.
  func serving<Value: Sendable>(
    _ fleet: InMemoryFleet, _ scratch: ScratchDirectory, mode: UInt32? = nil,
    audit: @escaping @Sendable (AuditRecord) async -> Void = { _ in }, lookup: UserLookup = .system,
    _ body: @escaping @Sendable (FilePath) async throws -> Value
  ) async throws -> Value {
    let socket = scratch.appending("run/fleet.sock")
    let (ready, announce) = AsyncStream<Void>.makeStream()
    let server = ControlServer(
      .init(socket: socket, mode: mode, lookup: lookup), fleet: fleet, audit: audit, logger: Self.quiet,
      onReady: { announce.finish() })
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { announce.finish() }
        try await server.run()
      }
      for await _ in ready {}
      defer { group.cancelAll() }
      return try await body(socket)
    }
  }

  static var quiet: Logger {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
  }

  func run(_ arguments: [String], _ socket: FilePath, input: String? = nil) async throws -> FinishedProcess {
    // On a thread of its own: the server answers on this test's pool.
    try await withCheckedThrowingContinuation { continuation in
      Thread.detach {
        continuation.resume(
          with: Result {
            try RunningProcess.run(
              BuiltProducts.looopFleet, arguments, environment: ["LOOOP_FLEET_SOCKET": socket.string], input: input)
          })
      }
    }
  }

  @Test func `the kernel says who calls`() async throws {
    let audited = Locked<[AuditRecord]>([])
    let fleet = InMemoryFleet(asks: [InMemoryFleet.ask("web", "a-1")])
    let scratch = try ScratchDirectory()
    try await serving(fleet, scratch, audit: { entry in audited.withLock { $0.append(entry) } }) { socket in
      let client = ControlClient(socket: socket, userAgent: "test-agent/1")
      #expect(try await client.get("/v1/status") == (await fleet.document().json))
      _ = try await client.post("/v1/asks/web/a-1/answer", ["text": "yes"])
    }
    let caller = try #require(audited.withLock { $0.first?.caller })
    #expect(caller.uid == getuid() && caller.gid == getgid() && caller.pid == getpid())
    #expect(caller.roles.contains(.ops), "the supervisor's own user is ops")
    #expect(caller.via == "test-agent")
  }

  @Test func `refusals come back typed`() async throws {
    let scratch = try ScratchDirectory()
    try await serving(InMemoryFleet(), scratch) { socket in
      let client = ControlClient(socket: socket)
      await #expect(throws: FleetRefusal.unknownTenant("nope")) { try await client.get("/v1/tenants/nope") }
    }
  }

  @Test func `a second server leaves the first one's socket alone`() async throws {
    let scratch = try ScratchDirectory()
    try await serving(InMemoryFleet(), scratch) { socket in
      let second = ControlServer(.init(socket: socket), fleet: InMemoryFleet(), audit: { _ in }, logger: Self.quiet)
      let refusal = await #expect(throws: FleetRefusal.self) { try await second.run() }
      #expect(refusal?.class == .conflict)
      let health = try await ControlClient(socket: socket).get("/healthz")
      #expect(health == ["ok": true])
    }
  }

  @Test func `a stale socket is replaced, and the mode is set`() async throws {
    let scratch = try ScratchDirectory()
    try scratch.write("", to: "run/keep")
    // A server that died left this behind.
    let path = scratch.appending("run/fleet.sock")
    _ = OwnedDescriptor(owning: listening(path))
    #expect(scratch.exists("run/fleet.sock"))
    try await serving(InMemoryFleet(), scratch, mode: 0o660) { socket in
      let mode = try await shell("stat -c %a \(socket)").output
      #expect(mode == "660\n")
      let health = try await ControlClient(socket: socket).get("/healthz")
      #expect(health == ["ok": true])
    }
    #expect(!scratch.exists("run/fleet.sock"), "a stopped server takes its socket with it")
  }

  private func listening(_ path: FilePath) -> CInt {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.string.utf8) }
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return descriptor
  }

  @Test func `nobody there, nobody behind it, and a path that is too long are told apart`() async throws {
    let scratch = try ScratchDirectory()
    await #expect(throws: FleetRefusal.self) {
      try await ControlClient(socket: scratch.appending("no.sock")).get("/healthz")
    }
    let stale = scratch.appending("stale.sock")
    _ = OwnedDescriptor(owning: listening(stale))
    let refusal = await #expect(throws: FleetRefusal.self) { try await ControlClient(socket: stale).get("/healthz") }
    #expect(refusal?.class == .notRunning)
    let long = scratch.appending(String(repeating: "x", count: 120))
    let tooLong = await #expect(throws: FleetRefusal.self) { try await ControlClient(socket: long).get("/healthz") }
    #expect(tooLong?.class == .invalidArgument)
    let server = ControlServer(.init(socket: long), fleet: InMemoryFleet(), audit: { _ in }, logger: Self.quiet)
    await #expect(throws: FleetRefusal.self) { try await server.run() }
  }

  @Test func `a blocked wait does not hold up the server's end`() async throws {
    let scratch = try ScratchDirectory()
    let fleet = InMemoryFleet()
    let socket = scratch.appending("run/fleet.sock")
    async let answer: Result<JSON, any Error> = serving(fleet, scratch) { _ in
      let client = ControlClient(socket: socket)
      let waiting = Task { try await client.get("/v1/wait", query: [("after", "1000"), ("timeout_s", "300")]) }
      _ = try await client.get("/healthz")
      return waiting
    }.asResult
    let ended = try await answer
    if case .success = ended { Issue.record("the wait was answered by a server that is gone") }
  }

  @Test(.enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built"))
  func `the program's exit statuses are the manual's`() async throws {
    let scratch = try ScratchDirectory()
    let fleet = InMemoryFleet(asks: [InMemoryFleet.ask("web", "a-1"), InMemoryFleet.ask("api", "b-1")])
    let nobody = scratch.appending("nobody.sock")
    for arguments in [["status"], ["asks"], ["wait"], ["workers"], ["budget"], ["answer", "web/a", "x"], ["freeze"]] {
      let outcome = try await run(arguments, nobody)
      #expect(outcome.exitCode == 3, "\(arguments)")
      #expect(outcome.output.isEmpty && outcome.errors.contains("not running") && outcome.errors.contains("hint: "))
    }
    try await serving(fleet, scratch) { socket in
      let status = try await run(["status", "--json"], socket)
      #expect(status.exitCode == 0)
      #expect(status.json == (await fleet.document().json))
      #expect(try await run(["asks", "--json"], socket).json?.array?.count == 2)
      #expect(try await run(["asks", "--json", "--tenant", "web"], socket).json?.array?.count == 1)
      #expect(try await run(["answer", "web/a-1", "yes", "please"], socket).exitCode == 0)
      #expect(await fleet.answerText("web/a-1") == "yes please")
      #expect(await fleet.answerVia("web/a-1") == "looop-fleet")
      #expect(try await run(["answer", "web/a-1", "no"], socket).exitCode == 4)
      #expect(try await run(["answer", "web/zzz", "no"], socket).exitCode == 5)
      #expect(try await run(["answer", "api/b-1", "-"], socket, input: "from\nstdin\n").exitCode == 0)
      #expect(await fleet.answerText("api/b-1") == "from\nstdin")
      #expect(try await run(["answer", "api/b-1", " "], socket).exitCode == 1)
      #expect(try await run(["answer", "noslash", "x"], socket).exitCode == 64)
      #expect(try await run(["nonsense"], socket).exitCode == 64)
      #expect(try await run(["status", "nope"], socket).exitCode == 1)
      #expect(try await run(["reload"], socket).exitCode == 1, "something was refused")
      #expect(try await run(["budget", "raise", "web", "2.50"], socket).output.contains("$22.50"))
      let audit = try await run(["audit"], socket).output
      #expect(audit.contains("alice") && audit.contains("budget raise"), "\(audit)")
      let whole = try await run(["budget", "raise", "--fleet", "--decides", "9", "2"], socket)
      #expect(whole.output == "the whole fleet: raised by $2.00, 9 decides; today's cap is now $22.00, 509 decides\n")
      #expect(try await run(["budget", "raise", "web", "lots"], socket).exitCode == 64)
      #expect(try await run(["freeze", "web"], socket).exitCode == 0)
      await fleet.setPhase("web", .held)
      let held = try await run(["status"], socket)
      #expect(held.exitCode == 1)
      #expect(held.output.contains("held") && !held.output.contains("\u{1B}"), "no colour without a terminal")
    }
  }

  @Test(.enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built"))
  func `wait wakes for a new ask, and ends with the fleet`() async throws {
    let scratch = try ScratchDirectory()
    let fleet = InMemoryFleet()
    try await serving(fleet, scratch) { socket in
      async let woken = run(["wait", "--json", "--after", "1000", "--only-asks"], socket)
      await fleet.arrive(InMemoryFleet.ask("web", "a-1"))
      let outcome = try await woken
      #expect(outcome.exitCode == 0)
      #expect(outcome.json?["changed"] == ["asks"])
      #expect(outcome.json?["token"]?.string == "1001")
      async let ended = run(["wait", "--after", "1001"], socket)
      // Whether the wait is there already or comes too late: both end with 3.
      fleet.feed.stop()
      #expect(try await ended.exitCode == 3)
    }
  }

  @Test(
    .enabled(if: geteuid() == 0, "only root can call as another user"),
    .enabled(if: access("/usr/bin/setpriv", X_OK) == 0, "setpriv is not installed"))
  func `another user is known by his credentials, not by what he says`() async throws {
    let scratch = try ScratchDirectory()
    chmod(scratch.path.string, 0o755)
    let fleet = InMemoryFleet(asks: [InMemoryFleet.ask("web", "a-1")], users: [12345: ["web"]])
    try await serving(fleet, scratch) { socket in
      func call(_ uid: Int, _ path: String, _ body: String? = nil) async throws -> JSON {
        let post = body.map { "-X POST -d '\($0)'" } ?? ""
        let outcome = try await shell(
          "setpriv --reuid \(uid) --regid \(uid) --clear-groups curl -s \(post) --unix-socket \(socket) http://fleet\(path)"
        )
        return try JSON(parsing: outcome.output)
      }
      func code(_ json: JSON) -> String? { json["error"]?["code"]?.string }
      let (yes, raise) = (#"{"text":"yes"}"#, #"{"usd":5}"#)
      let stranger = try await call(54321, "/v1/status")
      #expect(code(stranger) == "permission_denied")
      let forged = try await call(54321, "/v1/asks/web/a-1/answer", yes)
      #expect(code(forged) == "permission_denied")
      let own = try await call(12345, "/v1/status")
      #expect(own["tenants"]?.array?.map { $0["name"]?.string } == ["web"])
      let raised = try await call(12345, "/v1/tenants/web/raise", raise)
      #expect(code(raised) == "permission_denied")
      let answered = try await call(12345, "/v1/asks/web/a-1/answer", yes)
      #expect(answered["answered"] == "web/a-1")
      let health = try await call(12345, "/healthz")
      #expect(health == ["ok": true])
    }
  }

  private func shell(_ script: String) async throws -> FinishedProcess {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detach { continuation.resume(with: Result { try RunningProcess.shell(script) }) }
    }
  }
}

/// A thread for what blocks.
private enum Thread {
  static func detach(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { pointer in
        Unmanaged<Box>.fromOpaque(pointer!).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    pthread_detach(thread)
  }

  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

extension Task where Failure == any Error {
  fileprivate var asResult: Result<Success, any Error> { get async { await result } }
}
