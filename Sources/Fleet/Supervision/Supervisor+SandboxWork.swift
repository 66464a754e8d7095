import SystemPackage
import Tenant

/// What people do with sandboxes: look at all, see a worker's work, bring it home, restore what was parked, collect.
extension Supervisor {
  package func sandboxes() async -> [SandboxRow] {
    await withTaskGroup(of: [SandboxRow].self) { group in
      for name in tenants.keys { group.addTask { await self.look(name) } }
      var rows: [SandboxRow] = []
      for await found in group { rows += found }
      return rows.sorted { ($0.tenant, $0.path, $0.worker ?? "") < ($1.tenant, $1.path, $1.worker ?? "") }
    }
  }

  private func look(_ name: String) async -> [SandboxRow] {
    guard let tenant = tenants[name], tenant.sandboxes.isUsed else { return [] }
    // Nothing of a frozen tenant runs, not even a look.
    guard !tenant.state.frozen else { return tenant.sandboxes.rows }
    let request = sandboxOrder(tenant).look(tenant.report?.workers ?? [], busy: busy(tenant))
    switch await sandboxPlaces.with(tenant.id.name, { await self.sandboxVerb("inspect", request, of: tenant) }) {
    case .success(let json):
      let rows = (json["sandboxes"]?.array ?? []).compactMap { SandboxRow($0, tenant: name) }
      tenants[name]?.sandboxes.rows = rows
      return rows
    case .failure(let refusal):
      return [
        SandboxRow(
          tenant: name, worker: nil, repo: "", path: paths.sandboxes(of: tenant.id).string, branch: nil,
          state: "unknown", reason: refusal.words, bytes: nil, createdAt: nil)
      ]
    }
  }

  package func prune(tenant name: String?, dryRun: Bool, by caller: Caller) async throws(FleetRefusal) -> [PruneRow] {
    let chosen =
      try name.map { name throws(FleetRefusal) in [try known(name)] } ?? tenants.values.sorted { $0.id < $1.id }
    var rows: [PruneRow] = []
    for tenant in chosen where tenants[tenant.id.name]?.sandboxes.isUsed == true {
      rows += await prune(tenant, dryRun)
    }
    if !dryRun { say("worktrees pruned by \(caller.user)", about: name) }
    return rows
  }

  private func prune(_ tenant: SupervisedTenant, _ dryRun: Bool) async -> [PruneRow] {
    let name = tenant.id.name
    func problem(_ words: String) -> [PruneRow] {
      [PruneRow(tenant: name, worker: nil, path: "", outcome: "failed", reason: words)]
    }
    if tenant.state.frozen { return problem("the tenant is frozen: nothing of it may run") }
    guard let report = tenant.report else { return problem("nobody knows yet who lives of it") }
    // Who asks for it means now, and everybody who is at work is known by name.
    let request = sandboxOrder(tenant).look(report.workers, busy: busy(tenant), strangers: 0)
    switch await sandboxPlaces.with(tenant.id.name, { await self.sandboxVerb("due", request, of: tenant) }) {
    case .failure(let refusal): return problem(refusal.words)
    case .success(let json):
      var rows: [PruneRow] = []
      for found in json["sandboxes"]?.array ?? [] {
        guard let row = PruneRow(verdict: found, tenant: name) else { continue }
        if !dryRun, row.outcome != "kept", let worker = row.worker, let repo = found["repo"]?.string,
          let now = tenants[name], !busy(now).contains(worker)
        {
          rows.append(await closeSandbox(worker, of: repo, name).value)
        } else {
          rows.append(row)
        }
      }
      return rows
    }
  }

  package func preflight(
    tenant name: String, repo: String, base: String?
  ) async throws(FleetRefusal) -> PreflightReport {
    let tenant = try known(name)
    guard let source = tenant.configuration.repositories[repo] else {
      let known = tenant.configuration.repositories.keys.sorted().joined(separator: ", ")
      throw FleetRefusal(
        .notFound, "\(name) has no repository \"\(Display.line(repo))\"",
        hint: known.isEmpty ? "name it below `repos:` in tenants.d/\(name).yaml" : "there are: \(known)")
    }
    try checkThawed(tenant)
    let request = sandboxOrder(tenant).preflight(source, base: base)
    switch await sandboxPlaces.with(name, { await self.sandboxVerb("preflight", request, of: tenant) }) {
    case .success(let json): return PreflightReport(json: json, tenant: name, repo: repo)
    case .failure(let refusal): throw refusal.fleet
    }
  }

  package func diff(tenant name: String, worker: String, by caller: Caller) async throws(FleetRefusal) -> SandboxDiff {
    let json = try await work("diff", on: worker, of: name)
    guard let diff = SandboxDiff(json: json, tenant: name, worker: worker) else {
      throw FleetRefusal.unknownShape("the sandbox helper's answer")
    }
    return diff
  }

  package func land(
    tenant name: String, worker: String, into branch: String?, dryRun: Bool, by caller: Caller
  ) async throws(FleetRefusal) -> SandboxLanded {
    let json = try await work(
      "land", on: worker, of: name, ["into": .optional(branch), "dry_run": .bool(dryRun)])
    guard let landed = SandboxLanded(json: json, tenant: name, worker: worker) else {
      throw FleetRefusal.unknownShape("the sandbox helper's answer")
    }
    if !dryRun, !landed.already {
      say("work of \(worker) landed on \(landed.into) of \(landed.repo) by \(caller.user)", about: name)
      scheduleTending(name, in: 1)
    }
    return landed
  }

  package func restore(
    tenant name: String, worker: String, as other: String?, by caller: Caller
  ) async throws(FleetRefusal) -> SandboxRow {
    let tenant = try known(name)
    let target = other ?? worker
    if busy(tenant).contains(target) {
      throw FleetRefusal(
        .conflict, "worker \(name)/\(target) is at work or waits to start",
        hint: "restore it under another name: --as NAME")
    }
    // Just ended, they are being given back: parked, and gone from their place, they are in a moment.
    for name in [worker, target] { _ = await tenants[tenant.id.name]?.sandboxes.closing[name]?.task.value }
    let json = try await work(
      "restore", on: worker, of: name, ["as": .optional(other), "by": .string(caller.user)])
    say("parked work of \(worker) restored by \(caller.user)", about: name)
    scheduleTending(name, in: 1)
    return SandboxRow(
      tenant: name, worker: target, repo: json["repo"]?.string ?? "", path: json["path"]?.string ?? "",
      branch: json["branch"]?.string, state: "kept", reason: json["ref"]?.string.map { "restored from \($0)" },
      bytes: nil, createdAt: clock.now)
  }

  /// One helper that finds the work wherever it is: in its worktree, parked, or on its branch.
  private func work(
    _ verb: String, on worker: String, of name: String, _ more: [String: JSON] = [:]
  ) async throws(FleetRefusal) -> JSON {
    let tenant = try known(name)
    guard Identifier.isValid(worker) else {
      throw FleetRefusal(
        .invalidArgument, "\(Display.line(worker)) is no worker's name", hint: "list them: looop-fleet sandboxes")
    }
    try checkThawed(tenant)
    let record = tenant.report?.workers.first { $0.record.id == worker }?.record
    var request = sandboxOrder(tenant).work(of: worker, record)
    for (key, value) in more { request[key] = value }
    let order = request
    let result = await sandboxPlaces.with(tenant.id.name) { await self.sandboxVerb(verb, order, of: tenant) }
    switch result {
    case .success(let json): return json
    case .failure(let refusal): throw refusal.fleet
    }
  }
}
