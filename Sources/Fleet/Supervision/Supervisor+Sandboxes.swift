import Logging
import SystemPackage
import Tenant

/// Sandboxes of workers: made before they start, given back when they have ended. The git work is a helper's, as the tenant;
/// here is who gets what, and what is told.
extension Supervisor {
  struct Sandbox: Sendable {
    var path: String
    /// Nil in one that was restored with a detached head.
    var branch: String?
    /// What its worker finds set: `TMPDIR`, ports.
    var environment: [String: String]
  }

  func sandboxOrder(_ tenant: SupervisedTenant) -> SandboxOrder {
    SandboxOrder(
      tenant: tenant.configuration, root: paths.sandboxes(of: tenant.id), freeFloor: fleet.freeSpace.bytes,
      shared: Set(tenant.configuration.repositories.values.filter { repositoryNamers[$0, default: 0] > 1 }))
  }

  // MARK: - Making

  /// Asked again after a crash, it gives the same sandbox.
  func openSandbox(
    of repo: String, for record: WorkerRecord, _ tenant: SupervisedTenant
  ) async -> Result<Sandbox, SandboxRefusal> {
    let name = tenant.id.name
    guard let source = tenant.configuration.repositories[repo] else {
      let known = tenant.configuration.repositories.keys.sorted().joined(separator: ", ")
      return .failure(
        SandboxRefusal(
          message:
            "no repository \"\(repo)\" in the tenant's configuration (there \(known.isEmpty ? "are none" : "is \(known)"))"
        ))
    }
    // A former worker of that name is leaving the same directory.
    _ = await tenants[name]?.sandboxes.closing[record.id]?.task.value
    tenants[name]?.sandboxes.isUsed = true
    tenants[name]?.sandboxes.opening[record.id] = repo
    tenants[name]?.sandboxes.waiting.insert(record.id)
    tenants[name]?.sandboxes.awaited.insert(record.generation)
    let result = await makeSandbox(of: repo, source, for: record, tenant)
    if case .failure = result {
      tenants[name]?.sandboxes.opening[record.id] = nil
      tenants[name]?.sandboxes.waiting.remove(record.id)
      await releasePorts(record.id, of: name)
      // What a helper that was killed left.
      scheduleTending(name, in: SandboxKeeping.firstRetry)
    }
    return result
  }

  private func makeSandbox(
    of repo: String, _ source: FilePath, for record: WorkerRecord, _ tenant: SupervisedTenant
  ) async -> Result<Sandbox, SandboxRefusal> {
    let order = sandboxOrder(tenant)
    let ports: PortLeases.Block?
    switch await leasePorts(record.id, of: tenant) {
    case .success(let leased): ports = leased
    case .failure(let refusal): return .failure(refusal)
    }
    // The last thing before it: a measure that nobody works by would take a person's next change for a worker's.
    if let refusal = await measure(repo, source, for: record, tenant) { return .failure(refusal) }
    let request = order.creation(
      record, repo: repo, source: source, ports: ports, used: tenants[tenant.id.name]?.sandboxes.diskEstimate)
    tenants[tenant.id.name]?.sandboxes.madeSince += 1
    let made = await sandboxVerb("create", request, of: tenant, deadline: order.creationDeadline)
    switch made {
    case .failure(let refusal):
      // Its setup may have run. Where others are at work, their ends are looked after.
      if !isWorked(repo, of: tenant.id.name, besides: record.id) { await auditKept(record.id, of: repo, tenant) }
      return .failure(refusal)
    case .success(let json):
      guard let path = json["path"]?.string else {
        return .failure(SandboxRefusal(message: "the sandbox helper named no path"))
      }
      if let words = json["resumed"]?.string { say("worker \(record.id) \(words)", about: tenant.id.name) }
      return .success(
        Sandbox(
          path: path, branch: json["branch"]?.string,
          environment: (json["env"]?.object ?? [:]).compactMapValues(\.string)))
    }
  }

  // MARK: - Giving back

  /// Workers that ended since we came. Those that ended before are found by the tending.
  func closeEnded(_ name: String) {
    guard let tenant = tenants[name], !stopping, !draining else { return }
    let workers = tenant.report?.workers ?? []
    for worker in tenants[name]?.sandboxes.takeEnded(workers, starting: tenant.starting) ?? [] {
      guard let repo = worker.record.repo else { continue }
      let keep = sandboxOrder(tenant).keeps(worker)
      if keep == .zero, !tenant.state.frozen {
        closeSandbox(worker.record.id, of: repo, name)
      } else {
        scheduleTending(name, in: Double(keep.components.seconds))
        if !tenant.state.frozen { begin { await $0.auditKept(worker.record.id, of: repo, tenant) } }
      }
    }
  }

  /// Runs the teardown, audits the repository, and removes, recycles or parks the worktree, or keeps it with a reason.
  @discardableResult
  func closeSandbox(_ worker: String, of repo: String, _ name: String) -> Task<PruneRow, Never> {
    if let closing = tenants[name]?.sandboxes.closing[worker] { return closing.task }
    let task = begin { await $0.close(worker, of: repo, name) }
    tenants[name]?.sandboxes.closing[worker] = SandboxKeeping.Closing(repo: repo, task: task)
    return task
  }

  private func close(_ worker: String, of repo: String, _ name: String) async -> PruneRow {
    defer {
      tenants[name]?.sandboxes.closing[worker] = nil
      changed(.workers, about: name)
    }
    func row(_ outcome: String, _ reason: String) -> PruneRow {
      PruneRow(
        tenant: name, worker: worker, path: paths.sandboxes.appending(name).appending("trees").appending(worker).string,
        outcome: outcome, reason: reason)
    }
    guard let tenant = tenants[name], let source = tenant.configuration.repositories[repo] else {
      return row("failed", "the configuration no longer names its repository \(repo)")
    }
    // Whoever is left of the worker writes there until it is ended.
    await tenant.ending[worker]?.value
    // Its teardown may do something where nobody was at work since it ended.
    _ = await changeBaseline(repo, tenant.id) { $0.reopen() }
    var before: [JSON] = []
    if case .known(let baseline) = await baseline(repo, tenant.id) { before = baseline.snapshots }
    let request = sandboxOrder(tenant).removal(
      worker, repo: repo, source: source, ports: await portBlock(worker, of: name), baselines: before)
    let made = await sandboxPlaces.with(tenant.id.name) { await self.sandboxVerb("remove", request, of: tenant) }
    switch made {
    case .failure(let refusal):
      isLate(worker, name)
      sayKept(worker, name, "is kept: \(refusal.words)", level: .warning)
      return row("failed", refusal.words)
    case .success(let json):
      let outcome = json["outcome"]?.string ?? "done"
      let reason = json["reason"]?.string ?? ""
      if let error = json["teardown_error"]?.string {
        say("the teardown of \(worker) failed: \(error)", about: name, level: .warning)
      }
      await tellDrift(json, by: culprit(worker, repo, name), worker, repo, tenant)
      if json["removed"]?.bool == true {
        await releasePorts(worker, of: name)
        tenants[name]?.sandboxes.rows.removeAll { $0.worker == worker && $0.isWorktree }
        tenants[name]?.sandboxes.said[worker] = nil
        tenants[name]?.sandboxes.failing.remove(worker)
        // What was moved aside is recycled or deleted, out of everybody's way.
        scheduleTending(name, in: 1)
        say("sandbox of \(worker): \(outcome) (\(reason))", about: name)
      } else {
        isLate(worker, name)
        sayKept(worker, name, "\(outcome) (\(reason))")
      }
      return row(outcome, reason)
    }
  }

  /// Soon once more; after that the tending tries, ever more rarely.
  private func isLate(_ worker: String, _ name: String) {
    guard tenants[name]?.sandboxes.failing.insert(worker).inserted == true else { return }
    scheduleTending(name, in: SandboxKeeping.firstRetry)
  }

  func sayKept(_ worker: String, _ name: String, _ words: String, level: Logger.Level = .info) {
    guard tenants[name]?.sandboxes.said[worker] != words else { return }
    tenants[name]?.sandboxes.said[worker] = words
    say("sandbox of \(worker): \(words)", about: name, level: level)
  }

  // MARK: - The helper

  /// They say what may go, and what may be another worker's, whether they take it or not.
  private static let verbsThatJudge: Set = ["remove", "inspect", "due", "sweep", "tend"]

  /// Who works in which of a tenant's trees. A helper that Landlock confines cannot see it; the kernel shows us, and no path of the
  /// tenant's is opened for it.
  private func sandboxUsers(of tenant: TenantID, _ user: UInt32) async -> DirectoryUsers {
    let root = paths.sandboxes(of: tenant)
    return await Threads.run { DirectoryUsers.look(below: root, depth: 2, user: user) }
  }

  /// One document in, one document out, as the tenant's user: the supervisor itself opens no repository.
  func sandboxVerb(
    _ verb: String, _ request: JSON, of tenant: SupervisedTenant, deadline: Double = 600
  ) async -> Result<JSON, SandboxRefusal> {
    let result: Result<JSON, HelperRun.Failure>
    do {
      var request = request
      if Self.verbsThatJudge.contains(verb) {
        request["users"] = await sandboxUsers(of: tenant.id, try confined(tenant).user.uid).json
      }
      let spawn = try command(tenant, .git, ["_sandbox", verb], program: programs.fleet)
      var run = HelperRun(spawn: spawn, input: Array(request.compact.utf8), deadline: deadline)
      run.maximumOutput = HelperLimits.audit
      result = await run.run()
    } catch {
      return .failure(SandboxRefusal(message: "\(error)"))
    }
    switch result {
    case .failure(let failure):
      return .failure(SandboxRefusal(message: failure.description, hint: failure.hint, exitCode: failure.code))
    case .success(let json):
      if json["ok"]?.bool == true { return .success(json) }
      return .failure(
        SandboxRefusal(
          code: json["code"]?.string, message: json["message"]?.string ?? "the sandbox helper failed",
          hint: json["hint"]?.string, exitCode: 1))
    }
  }
}
