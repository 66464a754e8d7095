import Hummingbird
import Tenant

/// The routes of the control socket. They hold no state: they check who may, ask the fleet, and print what it says.
struct ControlRoutes: Sendable {
  let fleet: any FleetOperations
  let audit: @Sendable (AuditRecord) async -> Void
  let clock: HostClock

  func add(to router: Router<ControlContext>) {
    router.get("/healthz") { _, _ in Response.json(["ok": true]) }
    addReads(to: router)
    addMetering(to: router)
    addOrders(to: router)
    addWaits(to: router)
  }

  private func addReads(to router: Router<ControlContext>) {
    router.get("/v1/status") { request, context in
      let caller = try allow(.readAll, context)
      var document = await fleet.document().visible(to: caller)
      if let name = request.query("tenant") {
        document.tenants.removeAll { $0.name != name }
        if document.tenants.isEmpty { throw FleetRefusal.unknownTenant(name) }
      }
      return Response.json(document.json)
    }
    router.get("/v1/asks") { request, context in
      let caller = try allow(.readAll, context)
      _ = try await tenant(askedBy: request, caller)
      let asks = try MailboxFilter(request).apply(to: await fleet.asks().filter { caller.sees($0.tenant) })
      return Response.json(.array(asks.map(\.json)))
    }
    router.get("/v1/workers") { request, context in
      let caller = try allow(.readAll, context)
      let tenant = try await tenant(askedBy: request, caller)
      let rows = await fleet.workers().filter { caller.sees($0.tenant) && (tenant == nil || tenant == $0.tenant) }
      return Response.json(.array(rows.map(\.json)))
    }
    router.get("/v1/tenants/:name") { _, context in
      let name = try context.parameter("name")
      _ = try allow(.read(tenant: name), context)
      return Response.json(try await fleet.tenant(name).json)
    }
    router.get("/v1/logs") { request, context in
      let tenant = request.query("tenant")
      let caller = try allow(tenant.map { .read(tenant: $0) } ?? .readAll, context)
      let after = request.query("after").flatMap { UInt64($0) }
      let lines = await fleet.logs(
        tenant: tenant, after: after, limit: try request.query("limit", in: 1...10_000) ?? 200)
      // One that is gone may still have lines.
      if lines.isEmpty { _ = try await self.tenant(askedBy: request, caller) }
      // The fleet's own lines may name anybody.
      let visible = lines.filter { line in line.tenant.map { caller.sees($0) } ?? caller.seesAll }
      return Response.json(["lines": .array(visible.map(\.json))])
    }
  }

  private func addMetering(to router: Router<ControlContext>) {
    router.get("/v1/budget") { request, context in
      let tenant = request.query("tenant")
      let caller = try allow(tenant.map { .read(tenant: $0) } ?? .readAll, context)
      var report = try await fleet.budget(tenant: tenant, days: try request.query("days", in: 1...366) ?? 1)
      report.tenants.removeAll { !caller.sees($0.name) }
      if !caller.seesAll { (report.fleet, report.fleetForecast) = (nil, nil) }
      if request.query("format") == "csv" { return Response.text(report.csv, type: "text/csv; charset=utf-8") }
      return Response.json(report.json)
    }
    router.get("/v1/audit") { request, context in
      _ = try allow(.operate(tenant: nil), context)
      let rows = try await fleet.audit(
        tenant: request.query("tenant"), limit: try request.query("limit", in: 1...10_000) ?? 200)
      return Response.json(.array(rows.map(\.json)))
    }
    router.get("/metrics") { _, context in
      _ = try allow(.metrics, context)
      let text = MetricsText.render(await fleet.document(), samples: await fleet.samples())
      return Response.text(text, type: MetricsText.contentType)
    }
  }

  /// The tenant that a list is wanted of; nil: of all. One that nobody knows is a mistake, not an empty list.
  func tenant(askedBy request: Request, _ caller: Caller) async throws(FleetRefusal) -> String? {
    guard let name = request.query("tenant") else { return nil }
    guard caller.sees(name), await fleet.knows(tenant: name) else { throw .unknownTenant(name) }
    return name
  }

  func allow(_ action: ControlAction, _ context: ControlContext) throws(FleetRefusal) -> Caller {
    let caller = try context.knownCaller
    if let refusal = Access.refusal(action, by: caller) { throw refusal }
    return caller
  }
}

extension FleetRefusal {
  /// The same words wherever a tenant is frozen. `heldStill`: why the fleet did it, where ops did not.
  package static func frozen(_ tenant: String, _ heldStill: String?) -> FleetRefusal {
    guard let heldStill else {
      return FleetRefusal(
        .conflict, "\(tenant) is frozen: nothing of it may run", hint: "first: looop-fleet thaw \(tenant)")
    }
    return FleetRefusal(
      .conflict, "nothing of \(tenant) may run: \(heldStill)",
      hint: "it goes on by itself once that is over; at once: looop-fleet thaw \(tenant)")
  }

  /// The same words wherever a tenant is not known.
  package static func unknownTenant(_ name: String) -> FleetRefusal {
    FleetRefusal(
      .notFound, "there is no tenant \(Display.line(name))",
      hint: "`looop-fleet tenant list` names them; after editing the configuration run `looop-fleet reload`")
  }
}

extension MailboxFilter {
  init(_ request: Request) throws(FleetRefusal) {
    self.init(
      tenant: request.query("tenant"), worker: request.query("worker"), onlyIrreversible: request.flag("irreversible"),
      minimumAgeSeconds: try request.query("older_s", in: 0...Int(Int32.max)).map(Int64.init))
  }
}
