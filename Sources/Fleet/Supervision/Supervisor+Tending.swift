import CLinux
import Glibc
import Logging
import SystemPackage
import Tenant

/// The regular look after each tenant's sandboxes, by its own timetable and never in the way of anything: debris of crashes goes,
/// given-back trees are recycled, the pool is brought to its size, what is due is collected, and what is there is measured.
extension Supervisor {
  /// At a take-over. A tenant that never had a sandbox is not looked at; a thousand that had are, one after the other.
  func expectSandboxes(_ name: String) {
    guard let tenant = tenants[name] else { return }
    if !tenant.sandboxes.isUsed { tenants[name]?.sandboxes.isUsed = hasSandboxes(tenant.id) }
    guard tenants[name]?.sandboxes.isUsed == true else { return }
    scheduleTending(name, in: 1 + Timetable.offset(of: name, interval: Double(tenants.count) / 4))
  }

  /// Whether there is any directory below the tenant's: the count of links tells, without opening what is the tenant's. Some file
  /// systems do not count (1), and then there may be.
  private func hasSandboxes(_ tenant: TenantID) -> Bool {
    var status = stat()
    guard unsafe paths.sandboxes(of: tenant).withPlatformString({ unsafe lstat($0, &status) }) == 0 else {
      return false
    }
    return status.st_nlink != 2
  }

  /// Sooner than planned, never later.
  func scheduleTending(_ name: String, in seconds: Double) {
    guard tenants[name]?.sandboxes.isUsed == true, !stopping, !draining else { return }
    let due = clock.monotonic() + max(0, seconds)
    if let planned = tendings.due(of: name), planned <= due { return }
    tendings.schedule(name, at: due)
    setAlarm()
  }

  func tendDue() {
    for name in tendings.take(dueBy: clock.monotonic()) {
      guard let tenant = tenants[name] else { continue }
      guard !tenant.sandboxes.isTending else {
        tenants[name]?.sandboxes.tendAgain = true
        continue
      }
      // Nothing of a frozen tenant runs; and only what it reports tells who lives.
      guard !tenant.state.frozen, tenant.state.lease == .held, tenant.report != nil else {
        scheduleTending(name, in: SandboxKeeping.rest)
        continue
      }
      tenants[name]?.sandboxes.isTending = true
      tenants[name]?.sandboxes.tendAgain = false
      begin { await $0.tend(name) }
    }
  }

  private func tend(_ name: String) async {
    await tendingPlaces.take(name)
    let began = clock.monotonic()
    let sandboxes = tenants[name]?.sandboxes ?? SandboxKeeping()
    // What is still being made may be measured in part.
    let madeBefore = max(0, sandboxes.madeSince - sandboxes.opening.count)
    var again = SandboxKeeping.rest
    if let tenant = tenants[name] {
      let request = sandboxOrder(tenant).tending(tenant.report?.workers ?? [], busy: busy(tenant))
      switch await sandboxVerb("tend", request, of: tenant) {
      case .success(let json):
        tenants[name]?.sandboxes.madeSince -= madeBefore
        again = await tended(name, json, took: clock.monotonic() - began)
      case .failure(let refusal):
        tenants[name]?.sandboxes.lookFailed = true
        say("its sandboxes: \(refusal.words)", about: name, level: .warning)
      }
    }
    await tendingPlaces.give(name)
    tenants[name]?.sandboxes.isTending = false
    scheduleTending(name, in: tenants[name]?.sandboxes.tendAgain == true ? 1 : again)
  }

  /// Whose sandboxes are in somebody's hands: no verdict about them.
  func busy(_ tenant: SupervisedTenant) -> Set<String> {
    Set(tenant.liveWorkers.map(\.record.id)).union(tenant.pendingWorkers.map(\.record.id)).union(tenant.starting)
      .union(tenant.sandboxes.opening.keys).union(tenant.sandboxes.closing.keys).union(tenant.unrecorded.ids)
  }

  /// Seconds until the next look.
  private func tended(_ name: String, _ json: JSON, took: Double) async -> Double {
    let rows = json["sandboxes"]?.array ?? []
    tenants[name]?.sandboxes.rows = rows.compactMap { SandboxRow($0, tenant: name) }
    tenants[name]?.sandboxes.diskBytes = json["total_bytes"]?.int
    tenants[name]?.sandboxes.lookFailed = false
    await forgetTwins((json["retired"]?.array ?? []).compactMap(\.string), of: name)
    for worker in (json["restored"]?.array ?? []).compactMap(\.string) {
      say("the worktree of \(worker) is back: giving it back was cut off", about: name, level: .warning)
    }
    let broken = ((json["broken"]?.array ?? []) + (json["skipped"]?.array ?? [])).compactMap(\.string)
    if let before = tenants[name]?.sandboxes.broken {
      for words in broken where !before.contains(words) { say(words, about: name, level: .warning) }
    }
    tenants[name]?.sandboxes.broken = broken
    let late = collect(rows, of: name)
    if let tenant = tenants[name] {
      // Whoever has no worktree has no ports.
      let workers = busy(tenant).union(tenant.sandboxes.rows.filter(\.isWorktree).compactMap(\.worker))
      await changePorts { $0.retain(workers, of: name) }
    }
    let retry = tenants[name]?.sandboxes.retry ?? SandboxKeeping.firstRetry
    tenants[name]?.sandboxes.retry =
      late.again ? min(retry * 2, SandboxKeeping.rest) : SandboxKeeping.firstRetry
    let fills = json["near_quota"]?.bool == true && tenants[name]?.liveWorkers.isEmpty == false
    return TendingPace.next(
      after: took, isLate: late.any, isEmpty: tenants[name]?.sandboxes.count == 0, fills: fills, retry: retry,
      expires: expiry(name))
  }

  /// Private repositories that are no more: the next ones there are others.
  private func forgetTwins(_ repositories: [String], of name: String) async {
    guard let tenant = tenants[name] else { return }
    let root = paths.sandboxes(of: tenant.id)
    for repo in repositories {
      tenants[name]?.sandboxes.measured[repo] = nil
      _ = await changeBaseline(repo, tenant.id) { $0.forget(below: root) }
    }
  }

  /// Seconds until the first of those may go that are kept for a while after their worker's end.
  private func expiry(_ name: String) -> Double? {
    guard let tenant = tenants[name] else { return nil }
    let (order, now) = (sandboxOrder(tenant), clock.now)
    let kept = Set(tenant.sandboxes.rows.filter(\.isWorktree).compactMap(\.worker))
    return (tenant.report?.workers ?? []).compactMap { worker -> Double? in
      guard worker.hasEnded, kept.contains(worker.record.id), let ended = worker.endedAt else { return nil }
      let left = ended + order.keeps(worker).components.seconds - now
      return left > 0 ? Double(left) : nil
    }.min()
  }

  /// Gives back what is due. Answers whether anything is, and whether something is that could not be given back before.
  private func collect(_ rows: [JSON], of name: String) -> (any: Bool, again: Bool) {
    var late = (any: false, again: false)
    for row in rows where row["due"]?.bool == true {
      // It may be somebody's again since the look began.
      guard let worker = row["worker"]?.string, let repo = row["repo"]?.string, let tenant = tenants[name],
        !busy(tenant).contains(worker)
      else { continue }
      guard row["verdict"]?.string == "keep" else {
        late.any = true
        late.again = late.again || tenant.sandboxes.failing.contains(worker)
        closeSandbox(worker, of: repo, name)
        continue
      }
      if row["in_use"]?.bool == true { late = (true, true) }
      sayKept(worker, name, "kept (\(row["reason"]?.string ?? ""))")
    }
    return late
  }
}
