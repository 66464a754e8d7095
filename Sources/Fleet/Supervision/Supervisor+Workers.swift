import Logging
import SystemPackage
import Tenant

/// Workers: wishes that wait for a place, their sandboxes, their start, and what is left of them.
extension Supervisor {
  /// Starts every wish that may start now. Decided anew from all wishes and all that live: there is no queue to lose.
  func admitWorkers() {
    // Every report comes by here: most tell of no wish.
    guard !stopping, !draining, tenants.values.contains(where: { !$0.pendingWorkers.isEmpty }) else { return }
    for wish in workerPlan().start {
      guard let tenant = tenants[wish.tenant.name],
        let worker = tenant.pendingWorkers.first(where: { $0.record.id == wish.worker })
      else { continue }
      startWorker(worker.record, of: wish.tenant.name)
    }
  }

  /// Who starts and who waits, with places and reasons; `status` and `workers` read the same answer.
  func workerPlan() -> WorkerQueue.Plan {
    var shares: [TenantID: WorkerShare] = [:]
    var wishes: [WorkerRequest] = []
    for tenant in tenants.values {
      shares[tenant.id] = WorkerShare(
        quota: tenant.configuration.workers.maximum, weight: tenant.configuration.weight, live: tenant.liveCount,
        hold: workerHold(tenant))
      wishes += tenant.pendingWorkers.map {
        WorkerRequest(tenant: tenant.id, worker: $0.record.id, requestedAt: $0.record.requestedAt)
      }
    }
    return WorkerQueue(fleetMaximum: fleet.maximumWorkers).plan(wishes: wishes, shares: shares)
  }

  private func workerHold(_ tenant: SupervisedTenant) -> String? {
    if tenant.state.frozen { return "the tenant is frozen" }
    if tenant.state.paused { return "the tenant is paused" }
    if let trouble = ledgerTrouble { return trouble }
    if let held = tenant.state.held { return held }
    if let waiting = tenant.holds.waiting { return waiting.reason }
    if tenant.state.lease != .held { return "the tenant is not taken over yet" }
    return nil
  }

  private func startWorker(_ record: WorkerRecord, of name: String) {
    guard let tenant = tenants[name] else { return }
    tenants[name]?.starting.insert(record.id)
    changed(.workers)
    Task {
      switch await reserveWorker(record, of: name) {
      case .waits:
        // Its wish stays as it is, and counts among the pending again.
        tenants[name]?.starting.remove(record.id)
        changed(.workers)
      case .impossible(let why):
        await refuse(record, of: tenant, why)
        launched(record.id, of: name, why)
      case .granted(let reservation):
        let failure = await launch(record, of: tenant)
        if let failure {
          await refuse(record, of: tenant, failure.description)
          // One that hung or was killed may have begun: its hold stands until a report tells.
          if failure.code.map({ $0 < 124 }) ?? true {
            await releaseWorker(reservation, record.generation, of: name)
          }
        }
        launched(record.id, of: name, failure?.description)
      }
    }
  }

  /// `nil` when it runs. The wish's record is on disk all the while: a crash here is a wish that is still pending.
  private func launch(_ record: WorkerRecord, of tenant: SupervisedTenant) async -> HelperRun.Failure? {
    var arguments = ["worker", "launch", record.id, "--json"]
    if let repo = record.repo {
      switch await createSandbox(repo: repo, record: record, of: tenant) {
      case .success(let sandbox):
        arguments += ["--sandbox", sandbox.path, "--branch", sandbox.branch]
      case .failure(let failure): return failure
      }
    }
    switch await helper(tenant, arguments, work: .worker(record.id), deadline: 60) {
    case .success: return nil
    case .failure(let failure): return failure
    }
  }

  private func refuse(_ record: WorkerRecord, of tenant: SupervisedTenant, _ why: String) async {
    _ = await helper(tenant, ["worker", "refuse", record.id, "--reason", why, "--json"])
  }

  private func launched(_ id: String, of name: String, _ failure: String?) {
    say(
      failure.map { "worker \(id) did not start: \($0)" } ?? "worker \(id) started", about: name,
      level: failure == nil ? .info : .warning)
    soil(name)
    guard let tenant = tenants[name] else { return }
    Task {
      // The place counts as taken until a report says what became of it.
      let result = await helper(tenant, ["report", "--json"])
      tenants[name]?.starting.remove(id)
      if case .success(let json) = result, let report = TenantReport(json: json) { take(report, of: name) }
      changed(.workers)
      reconcile(name, .touched)
    }
  }

  // MARK: - Sandboxes

  struct Sandbox: Sendable {
    var path: String
    var branch: String
  }

  private func createSandbox(
    repo: String, record: WorkerRecord, of tenant: SupervisedTenant
  ) async -> Result<Sandbox, HelperRun.Failure> {
    guard let source = tenant.configuration.repositories[repo] else {
      let known = tenant.configuration.repositories.keys.sorted().joined(separator: ", ")
      return .failure(
        HelperRun.Failure(
          description:
            "no repository \"\(repo)\" in the tenant's configuration (there \(known.isEmpty ? "are none" : "is \(known)"))"
        ))
    }
    var request = sandboxRequest(tenant)
    request["repo_name"] = .string(repo)
    request["repo_path"] = .string(source.string)
    request["worker"] = .string(record.id)
    request["base"] = .optional(record.base)
    request["private"] = .bool(isShared(source, by: tenant))
    request["disk_max_bytes"] = .optional(tenant.configuration.sandboxes.disk?.bytes)
    request["free_floor_bytes"] = .int(fleet.freeSpace.bytes)
    let result = await sandboxVerb("create", request, of: tenant)
    return result.flatMap { json in
      guard let path = json["path"]?.string, let branch = json["branch"]?.string else {
        return .failure(HelperRun.Failure(description: "the sandbox helper named no path"))
      }
      return .success(Sandbox(path: path, branch: branch))
    }
  }

  /// Two tenants that name one repository get private ones that borrow its objects.
  private func isShared(_ source: FilePath, by tenant: SupervisedTenant) -> Bool {
    tenants.values.contains { other in
      other.id != tenant.id && other.configuration.repositories.values.contains(source)
    }
  }

  func sandboxRequest(_ tenant: SupervisedTenant) -> JSON {
    ["root": .string(paths.sandboxes(of: tenant.id).string), "tenant": .string(tenant.id.name)]
  }

  /// One document in, one document out, as the tenant's user: the supervisor itself opens no repository.
  func sandboxVerb(
    _ verb: String, _ request: JSON, of tenant: SupervisedTenant
  ) async -> Result<JSON, HelperRun.Failure> {
    let result = await helper(
      tenant, ["_sandbox", verb], work: .git, program: programs.fleet, input: Array(request.compact.utf8), deadline: 600
    )
    return result.flatMap { json in
      if json["ok"]?.bool == true { return .success(json) }
      let message = json["message"]?.string ?? "the sandbox helper failed"
      return .failure(HelperRun.Failure(description: json["hint"]?.string.map { "\(message) (\($0))" } ?? message))
    }
  }

  /// How often an ended worker's worktree is looked at by itself.
  private static let collections = 5

  /// Ended workers leave a worktree: clean ones go, unsaved work is parked first, and what is kept has a reason.
  func collectEnded(_ name: String) {
    guard let tenant = tenants[name], !tenant.state.frozen else { return }
    for worker in tenant.report?.workers ?? [] {
      let record = worker.record
      guard record.phase == .exited || record.phase == .failed, record.sandbox != nil,
        !tenant.collecting.contains(record.generation),
        tenant.collections[record.generation, default: 0] < Self.collections
      else { continue }
      tenants[name]?.collecting.insert(record.generation)
      tenants[name]?.collections[record.generation, default: 0] += 1
      Task { await collect(record, of: tenant) }
    }
  }

  private func collect(_ record: WorkerRecord, of tenant: SupervisedTenant) async {
    guard let path = record.sandbox, let repo = record.repo, let source = tenant.configuration.repositories[repo] else {
      return
    }
    var request = sandboxRequest(tenant)
    request["repo_name"] = .string(repo)
    request["repo_path"] = .string(source.string)
    request["worker"] = .string(record.id)
    request["path"] = .string(path)
    request["branch"] = .optional(record.branch)
    switch await sandboxVerb("remove", request, of: tenant) {
    case .success(let json):
      let outcome = json["outcome"]?.string ?? "done"
      // What is in use now is looked at again after a later beat, a few times; then it is `sandbox prune`'s.
      if outcome == "kept" { tenants[tenant.id.name]?.collecting.remove(record.generation) }
      say(
        "sandbox of \(record.id): \(outcome)\(json["reason"]?.string.map { " (\($0))" } ?? "")", about: tenant.id.name)
    case .failure(let failure):
      say("sandbox of \(record.id) is kept: \(failure.description)", about: tenant.id.name, level: .warning)
    }
    changed(.workers)
  }
}
