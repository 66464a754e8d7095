import SystemPackage
import Tenant

/// Before a worker gets a sandbox: what workers before it did is looked at, and how the repository stands is kept, so that what it
/// changes can be told. Where that is not certain, there is no sandbox.
extension Supervisor {
  /// Nil: new sandboxes may be made of it.
  func measure(
    _ repo: String, _ source: FilePath, for record: WorkerRecord, _ tenant: SupervisedTenant
  ) async -> SandboxRefusal? {
    let name = tenant.id.name
    return await measuringPlaces.with("\(name)/\(repo)") {
      let refusal = await self.measureAlone(repo, source, for: record, tenant)
      if refusal == nil { await self.isMeasured(record.id, of: name) }
      return refusal
    }
  }

  private func isMeasured(_ worker: String, of name: String) { tenants[name]?.sandboxes.waiting.remove(worker) }

  private func measureAlone(
    _ repo: String, _ source: FilePath, for record: WorkerRecord, _ tenant: SupervisedTenant
  ) async -> SandboxRefusal? {
    let (id, order) = (tenant.id, sandboxOrder(tenant))
    var known: RepositoryBaseline
    switch await baseline(repo, id) {
    case .known(let found): known = found
    case .broken(let why): return unreadable(repo, id, why)
    }
    if let blocked = known.blocked {
      if let refusal = await blockade(repo, source, known, blocked, order, record.id, tenant) { return refusal }
      known.lift()
    }
    if !isWorked(repo, of: id.name) {
      tenants[id.name]?.sandboxes.measured[repo] = nil
      if known.isOpen, let refusal = await lookAfterEarlier(repo, source, record.id, known, tenant) { return refusal }
    }
    let home = SandboxKeeping.Home(source: source, isPrivate: order.isPrivate(source))
    // A person may have removed what was kept while somebody works there.
    let isMeasured = tenants[id.name]?.sandboxes.measured[repo]?.contains(home) == true && !known.directories.isEmpty
    if isMeasured { return nil }
    return await begin(repo, home, for: record, order, tenant)
  }

  /// How the directories stand where nobody is at work, which may be all of them or those that the configuration names since.
  private func begin(
    _ repo: String, _ home: SandboxKeeping.Home, for record: WorkerRecord, _ order: SandboxOrder,
    _ tenant: SupervisedTenant
  ) async -> SandboxRefusal? {
    let id = tenant.id
    let known: [String]
    switch await baseline(repo, id) {
    case .known(let standing): known = standing.open
    case .broken(let why): return unreadable(repo, id, why)
    }
    let request = order.baseline(record, repo: repo, source: home.source, known: known)
    switch await sandboxVerb("baseline", request, of: tenant) {
    case .failure(let refusal): return refusal
    case .success(let json):
      let snapshots = json["baselines"]?.array ?? []
      if let failure = await changeBaseline(repo, id, { $0.begin(snapshots) }) {
        return SandboxRefusal(
          message: "how repository \(repo) stands before its workers come could not be noted: \(failure)",
          hint: "see to \(baselines.file(id, repo))")
      }
      tenants[id.name]?.sandboxes.measured[repo, default: []].insert(home)
      return nil
    }
  }

  /// Workers that ended while no supervisor ran were not looked after: what they did must not become the next one's measure.
  private func lookAfterEarlier(
    _ repo: String, _ source: FilePath, _ next: String, _ known: RepositoryBaseline, _ tenant: SupervisedTenant
  ) async -> SandboxRefusal? {
    let id = tenant.id
    let workers = tenants[id.name]?.report?.workers ?? []
    let ended = workers.filter { $0.hasEnded && $0.record.repo == repo }.map(\.record.id)
    let who = ended.isEmpty ? "an earlier worker" : "one of the workers that ended (\(ended.joined(separator: ", ")))"
    let failure = await audit(repo, source, as: ended.first ?? next, known, tenant, who: who)
    if let failure {
      return SandboxRefusal(
        code: "tampered",
        message: "what earlier workers did to repository \(repo) could not be looked at: \(failure.words)",
        hint: "mend that; or, if the repository is as it should be (hooks, config), remove \(baselines.file(id, repo))")
    }
    guard case .known(let now) = await baseline(repo, id), let blocked = now.blocked else { return nil }
    return tampered(repo, id, blocked)
  }

  /// What could not be put right, until somebody did.
  private func blockade(
    _ repo: String, _ source: FilePath, _ known: RepositoryBaseline, _ blocked: String, _ order: SandboxOrder,
    _ worker: String, _ tenant: SupervisedTenant
  ) async -> SandboxRefusal? {
    let request = order.audit(worker, repo: repo, source: source, baselines: known.snapshots, repairs: false)
    guard case .success(let json) = await sandboxVerb("audit", request, of: tenant), json["blocked"]?.bool == false,
      await changeBaseline(repo, tenant.id, { $0.lift() }) == nil
    else { return tampered(repo, tenant.id, blocked) }
    say("repository \(repo) is as it was again", about: tenant.id.name)
    return nil
  }

  private func unreadable(_ repo: String, _ id: TenantID, _ why: String) -> SandboxRefusal {
    SandboxRefusal(
      code: "tampered", message: "how repository \(repo) stood before its workers came cannot be read: \(why)",
      hint: "look whether it is as it should be (hooks, config), then remove \(baselines.file(id, repo))")
  }

  private func tampered(_ repo: String, _ id: TenantID, _ blocked: String) -> SandboxRefusal {
    SandboxRefusal(
      code: "tampered", message: "repository \(repo) was tampered with: \(blocked)",
      hint: "mend it; or, if it is meant to be so, remove \(baselines.file(id, repo))")
  }
}
