import Hummingbird
import Tenant

/// The routes that change something. Each is checked, done, and audited whatever came of it.
extension ControlRoutes {
  func addOrders(to router: Router<ControlContext>) {
    router.post("/v1/asks/:tenant/:ask/answer") { request, context in
      let (tenant, ask) = (try context.parameter("tenant"), try context.parameter("ask"))
      let body = try await request.jsonBody()
      return try await order("answer", "\(tenant)/\(ask)", .answer(tenant: tenant), context) { caller in
        guard let text = body["text"]?.string, text.contains(where: { !$0.isWhitespace }) else {
          throw FleetRefusal(.invalidArgument, "the answer is empty", hint: #"send {"text":"yes"}"#)
        }
        try await fleet.answer(tenant: tenant, ask: ask, text: text, by: caller)
        return ["answered": .string("\(tenant)/\(ask)"), "by": .string(caller.user)]
      }
    }
    router.post("/v1/workers/:tenant/:worker/kill") { _, context in
      let (tenant, worker) = (try context.parameter("tenant"), try context.parameter("worker"))
      return try await order("kill", "\(tenant)/\(worker)", .operate(tenant: tenant), context) { caller in
        try await fleet.kill(tenant: tenant, worker: worker, by: caller)
        return ["killed": .string("\(tenant)/\(worker)")]
      }
    }
    for (action, perform) in tenantOrders {
      router.post("/v1/tenants/:name/\(action)") { _, context in
        let name = try context.parameter("name")
        return try await order(action, name, .operate(tenant: name), context) { caller in
          try await perform(name, caller)
          return ["done": .string(action), "tenant": .string(name)]
        }
      }
    }
    addFleetOrders(to: router)
    addSandboxes(to: router)
    addRaiseAndVerb(to: router)
  }

  private typealias TenantOrder = @Sendable (String, Caller) async throws -> Void

  private var tenantOrders: [(String, TenantOrder)] {
    let fleet = fleet
    return [
      ("pause", { try await fleet.pause(tenant: $0, by: $1) }),
      ("resume", { try await fleet.resume(tenant: $0, by: $1) }),
      ("freeze", { try await fleet.freeze(tenant: $0, by: $1) }),
      ("thaw", { try await fleet.thaw(tenant: $0, by: $1) }),
    ]
  }

  private func addFleetOrders(to router: Router<ControlContext>) {
    router.post("/v1/freeze") { _, context in
      try await order("freeze", nil, .operate(tenant: nil), context) { caller in
        try await fleet.freeze(tenant: nil, by: caller)
        return ["done": "freeze"]
      }
    }
    router.post("/v1/thaw") { _, context in
      try await order("thaw", nil, .operate(tenant: nil), context) { caller in
        try await fleet.thaw(tenant: nil, by: caller)
        return ["done": "thaw"]
      }
    }
    router.post("/v1/drain") { _, context in
      try await order("drain", nil, .operate(tenant: nil), context) { caller in
        ["stopped": .array(try await fleet.drain(by: caller).map(JSON.string))]
      }
    }
    router.post("/v1/reload") { _, context in
      try await order("reload", nil, .operate(tenant: nil), context) { try await fleet.reload(by: $0).json }
    }
  }

  private func addRaiseAndVerb(to router: Router<ControlContext>) {
    router.post("/v1/tenants/:name/raise") { request, context in
      try await raise(try context.parameter("name"), request, context)
    }
    router.post("/v1/raise") { request, context in try await raise(nil, request, context) }
    router.post("/v1/tenants/:name/verb") { request, context in
      let name = try context.parameter("name")
      // Before a large body is read for somebody who may not.
      if Access.refusal(.verb(tenant: name), by: try context.knownCaller) != nil {
        return try await order("verb", name, .verb(tenant: name), context) { _ in [:] }
      }
      return try await request.whileConnected(upTo: Request.largeBody) { body in
        let arguments = body["arguments"]?.array?.compactMap(\.string) ?? []
        let detail = arguments.prefix(3).joined(separator: " ")
        return try await order("verb", name, .verb(tenant: name), context, detail: detail) { caller in
          guard !arguments.isEmpty, arguments.count == body["arguments"]?.array?.count else {
            throw FleetRefusal(
              .invalidArgument, "arguments must be a list of words", hint: #"send {"arguments":["state"]}"#)
          }
          return try await fleet.runVerb(tenant: name, arguments: arguments, stdin: body["stdin"]?.string, by: caller)
            .json
        }
      }
    }
  }

  private func raise(_ name: String?, _ request: Request, _ context: ControlContext) async throws -> Response {
    let body = try await request.jsonBody()
    return try await order(
      "raise", name, .operate(tenant: name), context, detail: RaiseAmount.words(body)
    ) { caller in
      let amount = try RaiseAmount(body)
      let budget = try await fleet.raise(tenant: name, by: amount, caller: caller)
      return [
        "tenant": .optional(name), "raised": .usd(amount.microUSD), "cap": .usd(budget.usd.cap), "budget": budget.json,
      ]
    }
  }

  func order(
    _ action: String, _ target: String?, _ right: ControlAction, _ context: ControlContext, detail: String? = nil,
    _ perform: (Caller) async throws -> JSON
  ) async throws -> Response {
    let caller = try context.knownCaller
    func record(_ outcome: String) async {
      await audit(
        AuditRecord(
          at: clock.now, caller: caller, action: action, target: target.map { Display.line($0, limit: 200) },
          detail: detail.map { Display.line($0, limit: 200) }, outcome: outcome))
    }
    do {
      if let refusal = Access.refusal(right, by: caller) { throw refusal }
      let json = try await perform(caller)
      await record("done")
      return Response.json(json)
    } catch {
      await record((error as? FleetRefusal)?.class.rawValue ?? FleetRefusal.Class.internal.rawValue)
      throw error
    }
  }
}
