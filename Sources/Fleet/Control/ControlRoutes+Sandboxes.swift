import Hummingbird
import Tenant

/// The routes of the worktrees. What they change is audited; a look at a worker's work is a look like any other.
extension ControlRoutes {
  func addSandboxes(to router: Router<ControlContext>) {
    router.get("/v1/sandboxes") { request, context in
      let caller = try allow(.readAll, context)
      let tenant = try await tenant(askedBy: request, caller)
      let rows = await fleet.sandboxes().filter { caller.sees($0.tenant) && (tenant == nil || tenant == $0.tenant) }
      return Response.json(.array(rows.map(\.json)))
    }
    router.get("/v1/sandboxes/:tenant/:worker/diff") { _, context in
      let (tenant, worker) = (try context.parameter("tenant"), try context.parameter("worker"))
      let caller = try allow(.work(tenant: tenant), context)
      return Response.json(try await fleet.diff(tenant: tenant, worker: worker, by: caller).json)
    }
    router.get("/v1/tenants/:name/repos/:repo/preflight") { request, context in
      let (tenant, repo) = (try context.parameter("name"), try context.parameter("repo"))
      _ = try allow(.work(tenant: tenant), context)
      return Response.json(try await fleet.preflight(tenant: tenant, repo: repo, base: request.query("base")).json)
    }
    router.post("/v1/sandboxes/:tenant/:worker/land") { request, context in
      let (tenant, worker) = (try context.parameter("tenant"), try context.parameter("worker"))
      let body = try await request.jsonBody()
      let (branch, dryRun) = (body["into"]?.string, body["dry_run"]?.bool ?? false)
      let said = [branch.map { "into \($0)" }, dryRun ? "dry run" : nil].compactMap { $0 }
      let detail = said.isEmpty ? nil : said.joined(separator: ", ")
      return try await order("land", "\(tenant)/\(worker)", .work(tenant: tenant), context, detail: detail) { caller in
        try await fleet.land(tenant: tenant, worker: worker, into: branch, dryRun: dryRun, by: caller).json
      }
    }
    router.post("/v1/sandboxes/:tenant/:worker/restore") { request, context in
      let (tenant, worker) = (try context.parameter("tenant"), try context.parameter("worker"))
      let other = try await request.jsonBody()["as"]?.string
      let detail = other.map { "as \($0)" }
      return try await order("restore", "\(tenant)/\(worker)", .work(tenant: tenant), context, detail: detail) {
        caller in
        try await fleet.restore(tenant: tenant, worker: worker, as: other, by: caller).json
      }
    }
    router.post("/v1/prune") { request, context in
      let (tenant, dryRun) = (request.query("tenant"), request.flag("dry_run"))
      let right: ControlAction = tenant.map { .work(tenant: $0) } ?? .operate(tenant: nil)
      return try await order("prune", tenant, right, context, detail: dryRun ? "dry run" : nil) { caller in
        let rows = try await fleet.prune(tenant: tenant, dryRun: dryRun, by: caller)
        return ["dry_run": .bool(dryRun), "sandboxes": .array(rows.map(\.json))]
      }
    }
  }
}
