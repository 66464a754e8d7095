import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Tenant

/// The routes that block until something changes: one answer (`/v1/wait`), or a stream of them (`/v1/events`).
extension ControlRoutes {
  /// How long one `/v1/wait` blocks if the caller does not say; a client that waits longer asks again with the token.
  static let defaultWaitSeconds = 50
  /// Below every idle timeout on the way.
  static let heartbeat = Duration.seconds(15)

  func addWaits(to router: Router<ControlContext>) {
    router.get("/v1/wait") { request, context in
      let caller = try allow(.readAll, context)
      let query = try WaitQuery(request)
      _ = try await tenant(askedBy: request, caller)
      let answer = try await request.body.consumeWithCancellationOnInboundClose { body in
        try await readToEnd(body)
        return try await wait(query, caller: caller)
      }
      return Response.json(answer)
    }
    router.get("/v1/events") { request, context in
      let caller = try allow(.readAll, context)
      let query = try WaitQuery(request).resumed(after: request.headers[.lastEventID])
      _ = try await tenant(askedBy: request, caller)
      let headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
      return Response(
        status: .ok, headers: headers,
        body: ResponseBody { writer in
          try await request.body.consumeWithCancellationOnInboundClose { body in
            try await readToEnd(body)
            try await stream(query, caller: caller, to: &writer)
          }
          try await writer.finish(nil)
        })
    }
  }

  /// Before anything that runs until the client hangs up: the server library ends the whole process where the stream of a body is let go
  /// unfinished.
  private func readToEnd(_ body: RequestBody) async throws {
    for try await _ in body {}
  }

  /// What `asks` prints, with `changed` and `token`. An ask that stands there already is news to who comes without a token.
  private func wait(_ query: WaitQuery, caller: Caller) async throws -> JSON {
    func answer(_ categories: Set<ChangeCategory>, _ token: UInt64) async -> JSON {
      let asks = query.filter.apply(to: await fleet.asks().filter { caller.sees($0.tenant) })
      return [
        "changed": .array(categories.map(\.rawValue).sorted().map(JSON.string)), "token": .string(String(token)),
        "asks": .array(asks.map(\.json)),
      ]
    }
    // The token is read before the asks are: what comes between is reported once more, never lost.
    guard let start = await fleet.changes(after: nil) else { throw FleetRefusal.stopping }
    if query.after == nil {
      let first = await answer([.asks], start.token)
      if first["asks"]?.array?.isEmpty == false { return first }
    }
    let news = await next(query, after: query.after ?? start.token, caller: caller, within: .seconds(query.seconds))
    switch news {
    case .changed(let changes): return await answer(changes.categories, changes.token)
    case .timeout(let token): return await answer([], token)
    case .stopped: throw FleetRefusal.stopping
    }
  }

  @concurrent private func stream(
    _ query: WaitQuery, caller: Caller, to writer: inout any ResponseBodyWriter
  ) async throws {
    guard let start = await fleet.changes(after: nil) else {
      try await writer.write(ByteBuffer(string: ServerSentEvent.stopping))
      return
    }
    var token = query.after ?? start.token
    try await writer.write(ByteBuffer(string: ServerSentEvent.hello(token: token)))
    while !Task.isCancelled {
      switch await next(query, after: token, caller: caller, within: Self.heartbeat) {
      case .changed(let changes):
        token = changes.token
        try await writer.write(ByteBuffer(string: ServerSentEvent.changed(changes)))
      case .timeout(let latest):
        token = latest
        try await writer.write(ByteBuffer(string: ServerSentEvent.heartbeat))
      case .stopped:
        try await writer.write(ByteBuffer(string: ServerSentEvent.stopping))
        return
      }
    }
  }

  private enum News: Sendable {
    case changed(FleetChanges)
    /// With the token to go on from: what was seen and is not the caller's needs no second look.
    case timeout(UInt64)
    case stopped
  }

  private func next(_ query: WaitQuery, after token: UInt64, caller: Caller, within limit: Duration) async -> News {
    let seen = Locked(token)
    let fleet = fleet
    // Ends at once when the server shuts down, so that no wait holds up a stop.
    return await cancelWhenGracefulShutdown {
      await withTaskGroup(of: News.self) { group in
        group.addTask {
          while true {
            let after = seen.withLock { $0 }
            guard let changes = await fleet.changes(after: after) else { return .stopped }
            let relevant = changes.changes.filter { query.concerns($0, caller: caller) }
            if !relevant.isEmpty { return .changed(FleetChanges(token: changes.token, changes: relevant)) }
            seen.withLock { $0 = changes.token }
          }
        }
        group.addTask {
          do {
            try await Task.sleep(for: limit)
          } catch {
            // Either something changed first and nobody looks at this answer, or the server stops.
            return .stopped
          }
          return .timeout(seen.withLock { $0 })
        }
        let first = await group.next() ?? .stopped
        group.cancelAll()
        return first
      }
    }
  }
}

/// What a `wait` waits for.
struct WaitQuery: Sendable {
  var after: UInt64?
  /// nil: anything.
  var only: Set<ChangeCategory>?
  var filter: MailboxFilter
  var seconds: Int

  init(_ request: Request) throws(FleetRefusal) {
    if let text = request.query("after") {
      guard let token = UInt64(text) else {
        throw FleetRefusal(
          .invalidArgument, "after=\(Display.line(text)) is not a token", hint: "use the `token` of the last answer")
      }
      after = token
    }
    switch request.query("only") {
    case nil: only = nil
    case "asks": only = [.asks]
    case "actionable": only = [.asks, .workers, .tenants]
    case .some(let other):
      throw FleetRefusal(.invalidArgument, "only=\(Display.line(other)) is neither asks nor actionable")
    }
    filter = try MailboxFilter(request)
    seconds = try request.query("timeout_s", in: 0...300) ?? ControlRoutes.defaultWaitSeconds
  }

  /// A browser's event source comes back with what it heard last; its address still says where it once began.
  func resumed(after last: String?) -> WaitQuery {
    var query = self
    if let last = last.flatMap({ UInt64($0) }) { query.after = last }
    return query
  }

  func concerns(_ change: FleetChange, caller: Caller) -> Bool {
    if let only, !only.contains(change.category) { return false }
    guard let tenant = change.tenant else { return true }
    return caller.sees(tenant) && (filter.tenant == nil || filter.tenant == tenant)
  }
}

/// The text of server-sent events. Each carries its token as its id, so that a client goes on where it was cut off.
enum ServerSentEvent {
  static let heartbeat = ": still here\n\n"
  static let stopping = "event: stopping\ndata: {}\n\n"

  static func hello(token: UInt64) -> String {
    "event: hello\nid: \(token)\ndata: {\"token\":\"\(token)\"}\n\n"
  }

  static func changed(_ changes: FleetChanges) -> String {
    let tenants = Set(changes.changes.compactMap(\.tenant)).sorted()
    let data: JSON = [
      "changed": .array(changes.categories.map(\.rawValue).sorted().map(JSON.string)),
      "tenants": .array(tenants.map(JSON.string)), "token": .string(String(changes.token)),
    ]
    return "event: changed\nid: \(changes.token)\ndata: \(data.compact)\n\n"
  }
}

extension HTTPField.Name {
  static let lastEventID = HTTPField.Name("Last-Event-ID")!
}

extension FleetRefusal {
  static let stopping = FleetRefusal(
    .notRunning, "the fleet is stopping", hint: "start it again with `looop-fleet up` or `systemctl start looop-fleet`")
}
