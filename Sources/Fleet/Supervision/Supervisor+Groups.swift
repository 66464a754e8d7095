import Logging
import Tenant

/// The control groups over the supervisor's life: what an earlier one left, what an ended worker leaves, and nothing at the end.
extension Supervisor {
  /// Before anything of a tenant is started: empty groups go, and who lives on of tenants that are configured no longer is named.
  func collectGroups() {
    let load = ConfigurationDirectory.load(at: paths.configuration)
    let names = Set(load.tenants.map(\.id.name)).union(load.refused.compactMap { $0.tenant?.name })
    var wanted: [String: Set<String>] = [:]
    for (name, workers) in confinement.groups.present() where names.contains(name) {
      // A worker that lives is adopted as soon as its tenant is taken over.
      wanted[name] = workers.filter { confinement.isPopulated(worker: $0, of: name) != false }
    }
    let (removed, living) = confinement.collect(wanted: wanted)
    if !removed.isEmpty { say("removed \(removed.count) control groups that nobody was left in") }
    for group in living {
      say("\(group) still has processes, and its tenant is configured no longer", level: .warning)
    }
  }

  /// What the kernel did to a worker is read before its group goes.
  func lookAtEnded(_ name: String, before old: TenantReport?) {
    guard let tenant = tenants[name], confinement.groups.offer.hasGroups else { return }
    let live = Set((old?.workers ?? []).filter { $0.record.phase == .running }.map(\.record.generation))
    for worker in tenant.report?.workers ?? [] {
      let record = worker.record
      guard record.phase == .exited || record.phase == .failed, live.contains(record.generation),
        // The same id may live again already.
        !tenant.starting.contains(record.id)
      else { continue }
      noteMemoryKills(record, of: tenant)
      if confinement.isPopulated(worker: record.id, of: name) == false {
        confinement.groups.remove(.worker(record.id, of: name))
      }
    }
  }

  func noteMemoryKills(_ record: WorkerRecord, of tenant: SupervisedTenant) {
    let kills = confinement.memoryKills(worker: record.id, of: tenant.id.name)
    guard kills > 0, tenants[tenant.id.name]?.memoryEnds[record.generation] == nil else { return }
    let most = tenant.configuration.workers.memory.map { " of \($0)" } ?? ""
    let words = "out of memory: the kernel ended \(kills) of its processes at its limit\(most)"
    tenants[tenant.id.name]?.memoryEnds[record.generation] = words
    say("worker \(record.id): \(words)", about: tenant.id.name, level: .warning)
    changed(.workers)
  }

  /// As the supervisor ends: groups with somebody in them stay, for the next one to adopt.
  package func leaveNoGroups() {
    confinement.groups.removeBase()
  }
}
