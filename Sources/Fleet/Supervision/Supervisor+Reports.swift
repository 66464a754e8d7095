import Logging
import Tenant

/// Hearing from tenants what is there: a report is the only thing that the fleet knows of one.
extension Supervisor {
  func startReport(_ name: String) {
    guard let tenant = tenants[name] else { return }
    tenants[name]?.state.refresh = .running
    begin { fleet in
      let result = await fleet.helper(tenant, ["report", "--json"])
      fleet.reported(name, result)
    }
  }

  private func reported(_ name: String, _ result: Result<JSON, HelperRun.Failure>) {
    guard let tenant = tenants[name] else { return }
    let again = tenant.state.refresh == .runningStale
    tenants[name]?.state.refresh = again ? .stale : .current
    switch result {
    case .success(let json):
      if let report = TenantReport(json: json) {
        take(report, of: name)
      } else {
        failed(name, "its report has an unknown shape")
      }
    case .failure(let failure):
      // The next beat tells more; a report alone is not a reason to back off.
      say("no report: \(failure.description)", about: name, level: .warning)
    }
    if again { reconcile(name, .look) }
  }

  /// Believes what a tenant says about itself, and nothing else.
  func take(_ report: TenantReport, of name: String) {
    let old = tenants[name]?.report
    tenants[name]?.report = report
    stirred.insert(name)
    if report.workers.contains(where: { $0.record.phase == .pending }) {
      wishful.insert(name)
    } else {
      wishful.remove(name)
    }
    for worker in report.workers where worker.record.phase == .running || worker.record.phase == .starting {
      guard let process = worker.record.process, tenants[name]?.followed.contains(process) == false else { continue }
      tenants[name]?.followed.insert(process)
      watch.follow(process)
      bringIn(worker.record.id, process, worker.record.generation, of: name)
    }
    let asksBefore = Set((old?.asks ?? []).map(\.id))
    let asksNow = Set(report.asks.map(\.id))
    if !asksNow.subtracting(asksBefore).isEmpty {
      changed(.asks, about: name)
      for ask in report.asks where !asksBefore.contains(ask.id) { say("asks: \(ask.id)", about: name) }
    }
    if !asksBefore.subtracting(asksNow).isEmpty { changed(.answers, about: name) }
    if old?.workers != report.workers { changed(.workers, about: name) }
    admitWorkers()
    lookAtEnded(name)
    lookForUnrecorded(name)
    settleEndedWorkers(name)
    closeEnded(name)
  }
}
