import Logging
import Tenant

/// The control groups over the supervisor's life: what an earlier one left, what an ended worker leaves, and nothing at the end.
extension Supervisor {
  /// Before anything of a tenant is started: empty groups go, and who lives on of tenants that are configured no longer is named.
  func collectGroups(sparing load: ConfigurationLoad) {
    let names = Set(load.tenants.map(\.id.name)).union(load.refused.compactMap { $0.tenant?.name })
    var wanted: [String: Set<String>] = [:]
    let present = confinement.groups.present()
    for (name, workers) in present where names.contains(name) {
      // A worker that lives is adopted as soon as its tenant is taken over; one whose memory ran out while nobody looked is
      // told as such from its group's count, and the group goes then.
      wanted[name] = workers.filter {
        confinement.isPopulated(worker: $0, of: name) != false || confinement.memoryKills(worker: $0, of: name) > 0
      }
    }
    let (removed, living) = confinement.collect(present, wanted: wanted)
    if !removed.isEmpty { say("removed \(removed.count) control groups that nobody was left in") }
    strays = Set(present.keys).subtracting(names).filter { confinement.groups.exists(.tenant($0)) }
    for group in living {
      say("\(group) still has processes, and its tenant is configured no longer", level: .warning)
    }
  }

  /// Workers of a tenant that was taken out go on; the last one's end leaves a group that nobody else would look at.
  func dropStrays() {
    for name in strays {
      guard tenants[name] == nil else {
        strays.remove(name)
        continue
      }
      if confinement.groups.isPopulated(.tenant(name)) == false, confinement.groups.remove(.tenant(name)) {
        strays.remove(name)
        say("removed the control group of \(name), which is configured no longer: nobody is left in it")
      }
    }
  }

  /// What the kernel did to a worker is read before its group goes, and so does whoever is left in it: a worker is over when its
  /// record says so, not when the last process that it hid somewhere feels like it.
  func lookAtEnded(_ name: String) {
    guard let tenant = tenants[name], confinement.groups.offer.hasGroups, !tenant.state.frozen else { return }
    for worker in tenant.report?.workers ?? [] {
      let record = worker.record
      // The same id may live again already.
      guard record.phase == .exited || record.phase == .failed, !tenant.starting.contains(record.id),
        tenant.ending[record.id] == nil, confinement.hasGroup(worker: record.id, of: name)
      else { continue }
      noteMemoryKills(record, of: name)
      if confinement.isPopulated(worker: record.id, of: name) == false {
        confinement.groups.remove(.worker(record.id, of: name))
      } else {
        tenants[name]?.ending[record.id] = begin { await $0.endLeftovers(of: record.id, of: name) }
      }
    }
    forgetMemoryEnds(of: name)
  }

  /// Counts who lives and has no record, and ends those who have none for too long. Of a frozen tenant nobody goes on meanwhile.
  func lookForUnrecorded(_ name: String) {
    guard let tenant = tenants[name], let report = tenant.report, confinement.groups.offer.hasGroups, !draining else {
      return
    }
    let known = Set(report.workers.map(\.record.id)).union(tenant.starting)
    let now = clock.monotonic()
    let before = tenant.unrecorded
    let new =
      tenants[name]?.unrecorded.look(living: confinement.groups.livingWorkers(of: name), known: known, at: now) ?? []
    for worker in new { say("worker \(worker): \(UnrecordedWorkers.words)", about: name, level: .warning) }
    if tenants[name]?.unrecorded != before { changed(.workers, about: name) }
    guard !tenant.state.frozen else { return }
    for worker in tenants[name]?.unrecorded.overdue(at: now) ?? [] where tenant.ending[worker] == nil {
      tenants[name]?.ending[worker] = begin { _ = await $0.endUnrecorded(worker, of: name) }
    }
  }

  /// Answers whether nobody is left.
  @discardableResult
  func endUnrecorded(_ worker: String, of name: String) async -> Bool {
    guard let tenant = tenants[name], let confined = try? confined(tenant) else { return false }
    let outcome = await confinement.stop(worker: worker, of: confined)
    say(
      outcome.isGone
        ? "worker \(worker) lived without a record; it was ended"
        : "worker \(worker) lives without a record and cannot be ended", about: name, level: .warning)
    tenants[name]?.ending[worker] = nil
    lookForUnrecorded(name)
    settleEndedWorkers(name)
    admitWorkers()
    return outcome.isGone
  }

  /// One that was started before the fleet took its loop over, or by somebody beside it: it goes on, and is held from now on.
  func bringIn(_ worker: String, _ leader: ProcessIdentity, _ generation: String, of name: String) {
    let confinement = confinement
    guard confinement.groups.offer.hasGroups, !confinement.groups.holds(leader.pid), let tenant = tenants[name],
      let confined = try? confined(tenant)
    else { return }
    begin { fleet in
      let outcome = await Threads.run { confinement.adopt(worker: worker, of: confined, leader: leader) }
      let words: String
      switch outcome {
      case .notNeeded: return
      case .moved: words = "not started by the fleet; in its control group, without its environment and Landlock"
      case .partly(let why): words = "not started by the fleet, and not wholly in its control group: \(why)"
      }
      fleet.tenants[name]?.strangers[generation] = words
      fleet.say("worker \(worker): \(words)", about: name, level: .warning)
      fleet.changed(.workers)
    }
  }

  /// A changed limit holds for what runs already, too.
  func limitAnew(_ name: String) {
    let confinement = confinement
    begin(.short) { fleet in
      guard let tenant = fleet.tenants[name] else { return }
      let confined = Result { try fleet.confined(tenant) }
      let failure = await Threads.run { () -> String? in
        do {
          try confinement.limitAnew(try confined.get())
          return nil
        } catch {
          return "\(error)"
        }
      }
      if let failure { fleet.say("its limits could not be changed: \(failure)", about: name, level: .warning) }
    }
  }

  /// The session's own holder ends what it can reach and goes; this is for what escaped it, or killed it.
  private func endLeftovers(of worker: String, of name: String) async {
    for _ in 0..<Self.holderLooks where confinement.isPopulated(worker: worker, of: name) != false {
      // Cancelled or not, it is looked at again below.
      try? await Task.sleep(for: .milliseconds(100))
    }
    if let tenant = tenants[name], let confined = try? confined(tenant) {
      let outcome = await confinement.stop(worker: worker, of: confined)
      if outcome != .alreadyGone { say("worker \(worker) left processes behind; they were ended", about: name) }
    }
    tenants[name]?.ending[worker] = nil
    admitWorkers()
  }

  /// Tenths of a second that an ended session's holder may take to go by itself.
  private static let holderLooks = 20

  /// An earlier life of the same id may have left its group, and with it counts that are not the new worker's.
  func clearGroup(of worker: String, of name: String) {
    if confinement.isPopulated(worker: worker, of: name) == false {
      confinement.groups.remove(.worker(worker, of: name))
    }
  }

  /// The fleet's places that a tenant takes. What it reports is its word: who claims more live workers than it may have takes
  /// no more places than the kernel counts groups with somebody in them, or else nobody else's worker would ever start.
  func placesTaken(by tenant: SupervisedTenant) -> Int {
    let (claimed, quota) = (tenant.liveCount, tenant.configuration.workers.maximum)
    guard claimed > quota, confinement.groups.offer.hasGroups else { return claimed }
    let seen = confinement.groups.livingWorkers(of: tenant.id.name).union(tenant.starting).count
    return min(claimed, max(quota, seen))
  }

  // MARK: - Memory

  func noteMemoryKills(_ record: WorkerRecord, of name: String) {
    let kills = confinement.memoryKills(worker: record.id, of: name)
    guard kills > 0, let tenant = tenants[name], tenant.memoryEnds[record.generation] == nil else { return }
    let words = "out of memory: the kernel ended \(kills) of its processes\(Self.memoryLimits(tenant.configuration))"
    tenants[name]?.memoryEnds[record.generation] = words
    say("worker \(record.id): \(words)", about: name, level: .warning)
    changed(.workers)
    let key = "\(Self.memoryNotes)\(name)/\(record.generation)"
    begin(.short) { fleet in
      // Without the ledger they are told for as long as this supervisor lives.
      if case .failure(let error) = await fleet.ledger.perform({ try $0.note(key, words) }) {
        fleet.ledgerFailed(error)
      }
    }
  }

  /// Which of them it was the kernel does not say.
  private static func memoryLimits(_ configuration: TenantConfiguration) -> String {
    switch (configuration.workers.memory, configuration.total.memory) {
    case (let own?, nil): " at its limit of \(own)"
    case (nil, let whole?): " at the tenant's limit of \(whole)"
    case (let own?, let whole?): " at its limit of \(own), or its tenant's of \(whole)"
    case (nil, nil): ""
    }
  }

  /// The words of an earlier supervisor: the kernel's counts went with the groups.
  func recallMemoryEnds() async {
    guard case .success(let notes) = await ledger.perform({ try $0.notes(prefix: Self.memoryNotes) }) else { return }
    for (key, words) in notes {
      let parts = key.dropFirst(Self.memoryNotes.count).split(separator: "/", maxSplits: 1).map(String.init)
      guard parts.count == 2, tenants[parts[0]]?.memoryEnds[parts[1]] == nil else { continue }
      tenants[parts[0]]?.memoryEnds[parts[1]] = words
    }
    if !notes.isEmpty { changed(.workers) }
  }

  /// They are kept for as long as the worker's record is.
  private func forgetMemoryEnds(of name: String) {
    guard let tenant = tenants[name], !tenant.memoryEnds.isEmpty, let report = tenant.report else { return }
    let known = Set(report.workers.map(\.record.generation))
    for generation in tenant.memoryEnds.keys where !known.contains(generation) {
      tenants[name]?.memoryEnds[generation] = nil
      let key = "\(Self.memoryNotes)\(name)/\(generation)"
      // One that stays is forgotten with the next look at the tenant.
      begin(.short) { _ = await $0.ledger.perform { try $0.note(key, nil) } }
    }
  }

  /// Then the tenant and the worker's generation: the ledger remembers them over a restart.
  private static let memoryNotes = "memory-end/"

  /// Where the supervisor does not come to start: its base was made to try the guards in.
  package nonisolated func leaveEmptyBase() {
    confinement.groups.removeEmptyBase()
  }

  /// As the supervisor ends: groups with somebody in them stay, for the next one to adopt.
  package func leaveNoGroups() {
    confinement.groups.removeBase()
  }
}
