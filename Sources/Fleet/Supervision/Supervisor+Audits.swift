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
    let sandboxes = tenant.sandboxes
    return tenant.liveWorkers.contains {
      $0.record.repo == repo && $0.record.sandbox != nil && $0.record.id != own
    }
      || sandboxes.opening.contains { $0.value == repo && $0.key != own && !sandboxes.waiting.contains($0.key) }
      || sandboxes.closing.contains { $0.value.repo == repo && $0.key != own }
  }

  /// Its worktree stays for a while; what it did to the others does not wait for that.
  func auditKept(_ worker: String, of repo: String, _ tenant: SupervisedTenant) async {
    guard let source = tenant.configuration.repositories[repo],
      case .known(let before) = await baseline(repo, tenant.id)
    else { return }
    _ = await audit(repo, source, as: worker, before, tenant, who: culprit(worker, repo, tenant.id.name))
  }

  /// Answers why it could not be done.
  func audit(
    _ repo: String, _ source: FilePath, as worker: String, _ before: RepositoryBaseline,
    _ tenant: SupervisedTenant, who: String
  ) async -> SandboxRefusal? {
    let request = sandboxOrder(tenant).audit(worker, repo: repo, source: source, baselines: before.snapshots)
    switch await sandboxPlaces.with(tenant.id.name, { await self.sandboxVerb("audit", request, of: tenant) }) {
    case .success(let json):
      await tellDrift(json, by: who, worker, repo, tenant)
      return nil
    case .failure(let refusal):
      say(
        "repository \(repo) could not be audited: \(refusal.words); until it can, nothing new starts there",
        about: tenant.id.name, level: .error)
      return refusal
    }
  }

  /// What a worker changed for everybody was put right, or blocks the repository; either way ops hear of it, and who it was.
  func tellDrift(
    _ json: JSON, by who: String, _ worker: String, _ repo: String, _ tenant: SupervisedTenant
  ) async {
    let serious = (json["findings"]?.array ?? []).filter { $0["serious"]?.bool == true }
    let words = serious.map { "\($0["what"]?.string ?? "?") (\($0["done"]?.string ?? "?"))" }.joined(separator: "; ")
    let snapshots = json["baselines"]?.array ?? []
    let gone = json["gone"]?.array ?? []
    let blocked = json["blocked"]?.bool == true ? words : nil
    var isToldAlready = false
    if let blocked, case .known(let before) = await baseline(repo, tenant.id) {
      isToldAlready = before.blocked == blocked
    }
    if !snapshots.isEmpty || blocked != nil || !gone.isEmpty {
      let isOpen = isWorked(repo, of: tenant.id.name, besides: worker)
      let failure = await changeBaseline(repo, tenant.id) {
        $0.take(snapshots, isOpen: isOpen, blocked: blocked)
        $0.forget(gone)
      }
      if let failure {
        say(
          "how repository \(repo) stands now could not be noted (\(failure)): the next audit compares with what was noted before",
          about: tenant.id.name, level: .warning)
      }
    }
    let news = (json["findings"]?.array ?? []).filter { $0["news"]?.bool == true }.compactMap { $0["what"]?.string }
    if !news.isEmpty {
      say("\(who), or somebody meanwhile: repository \(repo): \(news.joined(separator: "; "))", about: tenant.id.name)
    }
    // Each removal that waits for it finds it again.
    guard !serious.isEmpty, !isToldAlready else { return }
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
