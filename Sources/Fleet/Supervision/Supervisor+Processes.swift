import Glibc
import Logging
import SystemPackage
import Tenant

/// What a process of a tenant is started for.
enum TenantWork: Hashable, Sendable {
  case beat
  /// A short verb for the supervisor.
  case helper
  case worker(String)
  /// Work on a sandbox or a repository.
  case git
}

/// Every process of a tenant is made here: through the confinement's trampoline, as the tenant's user, in its group.
extension Supervisor {
  /// The tenant as the confinement sees it. Throws where its user does not exist.
  func confined(_ tenant: SupervisedTenant) throws -> ConfinedTenant {
    try confined(tenant.configuration, namesakes: namesakes)
  }

  private func confined(
    _ configuration: TenantConfiguration, namesakes: [String: Int]
  ) throws -> ConfinedTenant {
    var confined = ConfinedTenant(
      name: configuration.id.name, dataDirectory: configuration.dataDirectory,
      user: try user(named: configuration.user))
    confined.sharesUser = (namesakes[configuration.user ?? ""] ?? 0) > 1
    confined.sandboxes = paths.sandboxes(of: configuration.id)
    confined.repositories = configuration.repositories.values.sorted { $0.string < $1.string }
    confined.runnerHome = configuration.runnerHome
    confined.environment = configuration.environment
    confined.landlock = configuration.landlock
    confined.readable = configuration.readable
    confined.writable = configuration.writable
    confined.bubblewrap = configuration.workers.bubblewrap
    let total = configuration.total
    confined.total = ResourceCaps(
      memoryBytes: total.memory?.bytes, cpus: total.cpu.map { Double($0.thousandths) / 1000 },
      processes: total.processes)
    confined.largestFile = total.disk?.bytes
    confined.worker = ResourceCaps(
      memoryBytes: configuration.workers.memory?.bytes,
      cpus: configuration.workers.cpu.map { Double($0.thousandths) / 1000 },
      processes: configuration.workers.processes)
    return confined
  }

  /// One look into the system's data base serves for a while: a `status` of a thousand tenants must not read it a thousand times.
  func user(named name: String?) throws(TenantUser.Failure) -> TenantUser {
    let now = clock.monotonic()
    if let known = users[name ?? ""], now - known.at < Self.usersAge { return try known.found.get() }
    let found = Result { () throws(TenantUser.Failure) in try confinement.user(named: name) }
    users[name ?? ""] = (found, now)
    return try found.get()
  }

  /// Seconds.
  static let usersAge = 10.0

  /// `arguments` are a verb of looop, or those of `program`.
  func command(
    _ tenant: SupervisedTenant, _ work: TenantWork, _ arguments: [String], program: FilePath? = nil
  ) throws -> Spawn {
    guard !drained.contains(tenant.id.name) else {
      throw ConfinementProblem(message: "the fleet is drained: nothing of \(tenant.id) starts any more")
    }
    let confined = try confined(tenant)
    let command = program.map { [$0.string] + arguments } ?? arguments
    switch work {
    case .beat: return try confinement.spawn(for: .beat(confined), command)
    case .helper: return try confinement.spawn(for: .helper(confined), command)
    case .git: return try confinement.spawn(for: .git(confined), command)
    case .worker(let id):
      try confinement.prepare(worker: id, of: confined)
      return try confinement.spawn(for: .worker(confined, id: id), command)
    }
  }

  /// One helper of a tenant that answers with one document.
  func helper(
    _ tenant: SupervisedTenant, _ arguments: [String], work: TenantWork = .helper, program: FilePath? = nil,
    input: [UInt8]? = nil, deadline: Double = HelperRun.deadline, expectsDocument: Bool = true
  ) async -> Result<JSON, HelperRun.Failure> {
    let name = tenant.id.name
    let isLong = deadline > HelperRun.longDeadline
    let isSound = tenants[name]?.isSound ?? tenant.isSound
    let places = isLong ? longPlaces : isSound ? helperPlaces : slowHelperPlaces
    let result: Result<JSON, HelperRun.Failure> = await places.with(name) {
      do {
        let spawn = try await self.command(tenant, work, arguments, program: program)
        return await HelperRun(
          spawn: spawn, input: input, deadline: deadline, expectsDocument: expectsDocument
        ).run()
      } catch {
        return .failure(HelperRun.Failure(description: "\(error)"))
      }
    }
    if !isLong {
      tenants[name]?.helperHung = if case .failure(let failure) = result { failure.code == 124 } else { false }
    }
    return result
  }

  var confinedTenants: [ConfinedTenant] {
    // One without a user is named by its own phase.
    tenants.values.sorted { $0.id < $1.id }.compactMap { try? confined($0) }
  }

  /// What `require:` names must hold for the tenants that are configured, before the first of their processes is started.
  package func requireGuards(of load: ConfigurationLoad) throws(MissingGuards) {
    guard let required = load.fleet?.required, !required.isEmpty else { return }
    // A tenant whose user does not exist runs nothing, and its own phase says so.
    let namesakes = Dictionary(load.tenants.map { ($0.user ?? "", 1) }, uniquingKeysWith: +)
    let wanted = load.tenants.compactMap { try? confined($0, namesakes: namesakes) }
    try confinement.guards(wanted).check(required: required.map(\.rawValue))
  }

  /// What `require:` names must hold for a tenant before anything of it runs: a new or changed file without is refused, as one with
  /// a mistake in it is. Those that run already go on, whatever was required since (``tellMissingGuards()``).
  func refusingUnguarded(_ load: ConfigurationLoad) -> ConfigurationLoad {
    guard let required = load.fleet?.required, !required.isEmpty else { return load }
    func isKnown(_ wanted: TenantConfiguration) -> Bool { tenants[wanted.id.name]?.configuration == wanted }
    // Who comes second to a user is refused, not who has it.
    let refusedOnes = Set(load.refused.compactMap { $0.tenant?.name })
    let kept = refusedOnes.compactMap { tenants[$0]?.configuration }
    var namesakes = Dictionary(
      (load.tenants.filter(isKnown) + kept).map { ($0.user ?? "", 1) }, uniquingKeysWith: +)
    var (accepted, refused): ([TenantConfiguration], [ConfigurationProblem]) = ([], load.refused)
    for wanted in load.tenants {
      guard !isKnown(wanted) else {
        accepted.append(wanted)
        continue
      }
      let user = wanted.user ?? ""
      namesakes[user, default: 0] += 1
      // One whose user does not exist runs nothing, and its own phase says so.
      guard let confined = try? confined(wanted, namesakes: namesakes) else {
        accepted.append(wanted)
        continue
      }
      do throws(MissingGuards) {
        try confinement.guards([confined]).check(required: required.map(\.rawValue))
        accepted.append(wanted)
      } catch {
        namesakes[user, default: 1] -= 1
        // It goes on with what it had, in the place that this one would have taken.
        if let before = tenants[wanted.id.name]?.configuration { namesakes[before.user ?? "", default: 0] += 1 }
        refused.append(
          ConfigurationProblem(
            file: ConfigurationDirectory.file(of: wanted.id), line: nil, message: "\(error)", hint: error.hint,
            tenant: wanted.id))
      }
    }
    return ConfigurationLoad(fleet: load.fleet, tenants: accepted, refused: refused)
  }

  /// After a reload: what runs goes on, and what does not hold any more is told.
  func tellMissingGuards() {
    do throws(MissingGuards) {
      try confinement.guards(confinedTenants).check(required: fleet.required.map(\.rawValue))
    } catch {
      say("\(error)\(error.hint.map { " (\($0))" } ?? "")", level: .error)
    }
  }

  /// Apart only if root gives each tenant a user of its own.
  /// Only those that run count: one whose user does not exist runs nothing.
  func isolation(_ confined: [ConfinedTenant]) -> FleetDocument.Isolation {
    let users = confined.map(\.user.uid)
    return geteuid() == 0 && !users.contains(0) && Set(users).count == users.count ? .user : .shared
  }

  /// Holds still all that lives of a tenant, or lets it go on. A beat's deadline stands still with it, and its places go to others
  /// meanwhile; what it waits for itself (its runner's deadline, a remote end) does not wait. Answers why it could not, in words.
  func suspend(_ name: String, _ frozen: Bool) async -> String? {
    guard let tenant = tenants[name] else { return nil }
    tenant.pause?.set(frozen)
    if frozen {
      leaveGates(name)
      dropDecide(name)
    }
    do {
      if confinement.groups.offer.hasGroups {
        try confinement.groups.setFrozen(frozen, .tenant(name))
        return nil
      }
      let walk = confinement.walk(try confined(tenant), leaders: tenant.leaders)
      return await Threads.run { walk.hold(frozen) } ? nil : "some of its processes could not be signalled"
    } catch {
      return "\(error)"
    }
  }
}
