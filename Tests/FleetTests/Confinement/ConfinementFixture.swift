import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// The suites that load this host run one after another: a stop that takes five seconds is a stop that failed, not one that
/// waited for a fork bomb next door.
@Suite(.serialized) enum Confined {}

/// What the tests that really confine need: root, and a `looop` with its trampoline.
enum Confining {
  static let isRoot = geteuid() == 0

  static let hasTrampoline: Bool = {
    guard BuiltProducts.has("looop"),
      let end = try? RunningProcess.run(BuiltProducts.looop, ["_", "confine"], within: 20)
    else { return false }
    return end.exitCode == Confine.failure
  }()

  static var isPossible: Bool { isRoot && hasTrampoline }
  static let reason: Comment = "needs root and the built looop with its confine verb"

  /// What this host's control groups offer to root.
  static let host: ControlGroupOffer = {
    guard isPossible else { return .none("no root") }
    let groups = ControlGroups.open(name: "looop-fleet-look-\(getpid())")
    defer { groups.removeBase() }
    return groups.offer
  }()

  static func has(_ program: String) -> Bool { access(program, X_OK) == 0 }
}

/// Four users of this machine for the time of a suite, and a fleet's confinement for tenants that run as them.
final class ConfinementFixture: Sendable {
  let scratch: ScratchDirectory
  let users: [TenantUser]
  let confinement: Confinement
  /// The supervisor's own directory, closed to tenants as `/var/lib/looop-fleet` is.
  let state: FilePath

  @TaskLocal static var current: ConfinementFixture?

  static var shared: ConfinementFixture { current! }

  /// Suites run at the same time: each has users and groups of its own.
  private static let count = Locked(0)

  init() throws {
    let number = Self.count.withLock { count in
      count += 1
      return count
    }
    scratch = try ScratchDirectory("f4")
    chmod(scratch.path.string, 0o711)
    let home = scratch.appending("home")
    try Directory.create(home)
    users = try ["a", "b", "c", "d"].map { name in
      try TenantUser.create("lf\(getpid() % 100_000)\(name)\(number)", home: home.appending(name))
    }
    state = scratch.appending("state")
    try Directory.create(state, mode: 0o711)
    var options = Confinement.Options(
      looop: BuiltProducts.looop,
      environment: HostEnvironment([
        "PATH": "/usr/bin:/bin", "FLEET_SECRET": "supervisor-secret", "ANTHROPIC_API_KEY": "sk-supervisor",
        "LANG": "C.UTF-8",
      ]), stateDirectory: state)
    options.controlGroup = "looop-fleet-test-\(getpid())-\(number)"
    confinement = Confinement(options, probes: false)
  }

  func close() {
    for tenant in confinement.groups.present().keys {
      try? confinement.groups.kill(.tenant(tenant))
      _ = eventually(within: 5) { confinement.groups.isPopulated(.tenant(tenant)) == false }
      confinement.groups.remove(.tenant(tenant))
    }
    confinement.groups.removeBase()
    // Where there were no groups, what is left is found by its user: these users are the test's own.
    for user in users {
      _ = try? RunningProcess.shell("for p in $(ps -o pid= -U \(user.uid)); do kill -9 $p; done", within: 30)
      _ = try? RunningProcess.run("/usr/sbin/userdel", ["--remove", user.name], within: 30)
    }
  }

  /// A prepared tenant with a data dir, a sandbox directory and a secret of its own.
  func tenant(
    _ name: String, user: Int = 0, _ change: (inout ConfinedTenant) -> Void = { _ in }
  ) throws -> ConfinedTenant {
    let data = scratch.appending("data-\(name)")
    try Directory.create(data, mode: 0o700)
    chown(data.string, users[user].uid, users[user].gid)
    var tenant = ConfinedTenant(name: name, dataDirectory: data, user: users[user])
    tenant.sandboxes = state.appending("sandboxes").appending(name)
    tenant.environment = ["TENANT_KEY": "key-of-\(name)"]
    change(&tenant)
    try confinement.prepare(tenant)
    return tenant
  }

  /// A link to what is the fixture's in place of `src` in a tenant's directory, and there what such a tenant's home needs. With Landlock it cannot
  /// put one there; but its user, beside the fleet, can.
  func putLink(in home: FilePath, of tenant: ConfinedTenant, isHome: Bool) throws {
    var beside = tenant
    beside.landlock = .off
    beside.bubblewrap = false
    let swapped = try run(
      .beat(beside), "cd '\(home)' && mv src src.old && ln -s '\(scratch.path)' src && echo swapped")
    #expect(swapped.text == "swapped\n")
    guard isHome else { return }
    let user = tenant.user
    for directory in TenantEnvironment.directories(for: tenant) {
      let made = scratch.appending(directory.lastComponent!.string)
      try Directory.create(made)
      chown(made.string, user.uid, user.gid)
    }
  }

  @discardableResult
  func run(_ work: ConfinedWork, _ script: String, deadline: Double = 30) throws -> RunOutcome {
    if case .worker(let tenant, let id) = work { try confinement.prepare(worker: id, of: tenant) }
    return BoundedRun(try confinement.spawn(for: work, ["/bin/bash", "-c", script]), deadline: deadline).run()
  }

  /// Starts it and leaves it running in its group.
  func start(_ work: ConfinedWork, _ script: String) throws -> Int32 {
    if case .worker(let tenant, let id) = work { try confinement.prepare(worker: id, of: tenant) }
    return try confinement.spawn(for: work, ["/bin/bash", "-c", script]).start()
  }
}

extension RunOutcome {
  var text: String { String(decoding: output, as: UTF8.self) }
  var complaint: String { String(decoding: errors, as: UTF8.self) }
}

/// Makes the users before a suite and removes them after it, however it ends.
struct ConfinementScope: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    guard Confining.isPossible else { return try await function() }
    let fixture = try ConfinementFixture()
    defer { fixture.close() }
    try await ConfinementFixture.$current.withValue(fixture) { try await function() }
  }
}

extension Trait where Self == ConfinementScope {
  static var confinement: Self { ConfinementScope() }
}
