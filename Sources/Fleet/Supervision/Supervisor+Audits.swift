import Logging
import SystemPackage
import Tenant

/// What workers do to the repository that they share: compared with how it stood before they came, put right, and told with a name.
/// Audited is before the first worker comes (what was there while no supervisor looked), at each worker's end, and, where its worktree
/// stays for a while, without waiting for that.
extension Supervisor {
  /// Whether some worker may be changing that repository now: then how it stands is not the measure.
  func isWorked(_ repo: String, of name: String, besides own: String? = nil) -> Bool {
    guard let tenant = tenants[name] else { return false }
    return tenant.liveWorkers.contains {
      $0.record.repo == repo && $0.record.sandbox != nil && $0.record.id != own
    }
      || tenant.sandboxes.opening.contains { $0.value == repo && $0.key != own }
      || tenant.sandboxes.closing.contains { $0.value.repo == repo && $0.key != own }
  }

  /// Workers that ended while no supervisor ran were not looked after: what they did must not become the next one's measure.
  func lookAfterEarlier(_ repo: String, _ source: FilePath, _ next: String, _ tenant: SupervisedTenant) {
    let name = tenant.id.name
    let ended = (tenant.report?.workers ?? []).filter { $0.hasEnded && $0.record.repo == repo }.map(\.record.id)
    tenants[name]?.sandboxes.auditing[repo] = begin { fleet in
      if let before = await fleet.baseline(repo, tenant.id).entry, before.isOpen, before.blocked == nil {
        await fleet.audit(
          repo, source, as: ended.first ?? next, before, tenant,
          who: ended.isEmpty ? "an earlier worker" : "one of the workers that ended (\(ended.joined(separator: ", ")))")
      }
      fleet.tenants[name]?.sandboxes.auditing[repo] = nil
    }
  }

  /// Nil: new sandboxes may be made of it.
  func blockade(
    _ repo: String, _ source: FilePath, _ order: SandboxOrder, _ worker: String
  ) async -> SandboxRefusal? {
    let id = order.tenant.id
    let entry: AuditBaselines.Entry
    switch await baseline(repo, id) {
    case .none: return nil
    case .entry(let found): entry = found
    case .broken(let why):
      return SandboxRefusal(
        code: "tampered", message: "how repository \(repo) stood before its workers came cannot be read: \(why)",
        hint: "look whether it is as it should be (hooks, config), then remove \(baselines.file(id, repo))")
    }
    guard let blocked = entry.blocked, let tenant = tenants[id.name] else { return nil }
    let request = order.audit(worker, repo: repo, source: source, baseline: entry.snapshot, repairs: false)
    if case .success(let json) = await sandboxVerb("audit", request, of: tenant), json["blocked"]?.bool != true {
      await keep(AuditBaselines.Entry(snapshot: entry.snapshot, isOpen: false), repo, id)
      say("repository \(repo) is as it was again", about: id.name)
      return nil
    }
    return SandboxRefusal(
      code: "tampered", message: "repository \(repo) was tampered with: \(blocked)",
      hint: "mend it; or, if it is meant to be so, remove \(baselines.file(id, repo))")
  }

  /// Its worktree stays for a while; what it did to the others does not wait for that.
  func auditKept(_ worker: String, of repo: String, _ tenant: SupervisedTenant) async {
    guard let source = tenant.configuration.repositories[repo], let before = await baseline(repo, tenant.id).entry
    else {
      return
    }
    await audit(repo, source, as: worker, before, tenant, who: culprit(worker, repo, tenant.id.name))
  }

  private func audit(
    _ repo: String, _ source: FilePath, as worker: String, _ before: AuditBaselines.Entry,
    _ tenant: SupervisedTenant, who: String
  ) async {
    let request = sandboxOrder(tenant).audit(worker, repo: repo, source: source, baseline: before.snapshot)
    switch await sandboxPlaces.with(tenant.id.name, { await self.sandboxVerb("audit", request, of: tenant) }) {
    case .success(let json): await tellDrift(json, by: who, worker, repo, tenant)
    case .failure(let refusal):
      say("repository \(repo) could not be audited: \(refusal.words)", about: tenant.id.name, level: .warning)
    }
  }

  /// What a worker changed for everybody was put right, or blocks the repository; either way ops hear of it, and who it was.
  func tellDrift(
    _ json: JSON, by who: String, _ worker: String, _ repo: String, _ tenant: SupervisedTenant
  ) async {
    let serious = (json["findings"]?.array ?? []).filter { $0["serious"]?.bool == true }
    let words = serious.map { "\($0["what"]?.string ?? "?") (\($0["done"]?.string ?? "?"))" }.joined(separator: "; ")
    let blocked = json["blocked"]?.bool == true
    let known = await baseline(repo, tenant.id)
    // One that cannot be read stays for ops to see, and blocks the repository.
    if let snapshot = json["baseline"], !snapshot.isNull, !known.isBroken {
      // A blocked repository keeps the measure of how it should be.
      let before = blocked ? known.entry?.snapshot : nil
      let entry = AuditBaselines.Entry(
        snapshot: before ?? snapshot, isOpen: isWorked(repo, of: tenant.id.name, besides: worker),
        blocked: blocked ? words : nil)
      await keep(entry, repo, tenant.id)
    }
    let news = (json["findings"]?.array ?? []).filter { $0["news"]?.bool == true }.compactMap { $0["what"]?.string }
    if !news.isEmpty {
      say("\(who), or somebody meanwhile: repository \(repo): \(news.joined(separator: "; "))", about: tenant.id.name)
    }
    guard !serious.isEmpty else { return }
    say("\(who) changed repository \(repo) for everybody: \(words)", about: tenant.id.name, level: .error)
    let entry = AuditEntry(
      at: clock.now, actor: who, via: "audit of its repository", action: "drift", scope: .tenant(tenant.id),
      detail: "\(repo): \(words)")
    if case .failure(let error) = await ledger.perform({ try $0.audit(entry) }) { ledgerFailed(error) }
    changed(.tenants, about: tenant.id.name)
  }

  /// A worker that was not alone there is not the only one who may have done it.
  func culprit(_ worker: String, _ repo: String, _ name: String) -> String {
    let others = (tenants[name]?.liveWorkers ?? []).map(\.record).filter { $0.repo == repo && $0.id != worker }
    let also = others.isEmpty ? "" : " (or \(others.map(\.id).joined(separator: ", ")), at work there as well)"
    return "worker \(worker)\(also)"
  }
}
