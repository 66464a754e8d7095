import Fleet
import SystemPackage
import Tenant
import Testing

private func tenant(_ name: String, uid: UInt32 = 1001, shares: Bool = false) -> ConfinedTenant {
  var tenant = ConfinedTenant(
    name: name, dataDirectory: "/srv/x", user: TenantUser(name: "u", uid: uid, gid: 1, groups: [], home: "/home/u"))
  tenant.sharesUser = shares
  return tenant
}

private func states(
  isRoot: Bool = true, abi: Int = 7, offer: ControlGroupOffer = full, tenants: [ConfinedTenant] = [tenant("a")],
  probe: [String: GuardProbe.Finding] = [:]
) -> [String: GuardState] {
  let policy = ConfinementPolicy(offer: HostOffer(isRoot: isRoot, landlockABI: abi, controlGroups: offer), tools: [])
  let list = GuardReport.states(policy: policy, tenants: tenants, probe: probe)
  return Dictionary(uniqueKeysWithValues: list.map { ($0.name, $0) })
}

private let full = ControlGroupOffer(hasGroups: true, memory: .v2, cpu: .v2, processes: .v2)

@Suite struct GuardReportTests {
  @Test func `a full host enforces everything`() {
    #expect(states().values.allSatisfy { $0.isEnforced && $0.hint == nil })
    #expect(
      states().keys.sorted() == [
        "cgroup", "cpu", "environment", "landlock", "memory", "no_new_privileges", "pids", "resource_limits", "user",
      ])
  }

  @Test func `a plain user is told that tenants are not isolated from each other, and what to do`() throws {
    let found = states(isRoot: false)
    let user = try #require(found["user"])
    #expect(user.level == .absent && user.detail.contains("not isolated from each other"))
    #expect(user.hint?.contains("as root") == true)
    #expect(found["environment"]?.level == .weaker)
    #expect(found["cgroup"]?.level == .weaker)
    #expect(found["memory"]?.level == .weaker)
    #expect(found["landlock"]?.level == .absent)
    #expect(found["no_new_privileges"]?.level == .enforced)
  }

  @Test func `one tenant as root, or two with one user, is what is reported`() {
    #expect(states(tenants: [tenant("a"), tenant("b", uid: 0)])["user"]?.level == .absent)
    #expect(states(tenants: [tenant("a", shares: true), tenant("b", shares: true)])["user"]?.level == .weaker)
    #expect(states(tenants: [tenant("a", shares: true)])["user"]?.detail.hasPrefix("a share") == true)
  }

  @Test(arguments: [
    (ControlGroupOffer.none("no cgroup v2 hierarchy is mounted for writing"), "cgroup", GuardState.Level.weaker),
    (ControlGroupOffer(hasGroups: true), "memory", .absent),
    (ControlGroupOffer(hasGroups: true), "cpu", .absent),
    (ControlGroupOffer(hasGroups: true), "pids", .weaker),
    (ControlGroupOffer(hasGroups: true, memory: .v1), "memory", .enforced),
  ]) func `what the host lacks is said`(_ offer: ControlGroupOffer, _ name: String, _ level: GuardState.Level) {
    let state = states(offer: offer)[name]
    #expect(state?.level == level)
    if level != .enforced { #expect(state?.hint != nil) }
  }

  @Test(arguments: [("memory", "memory_max"), ("cpu", "cpu"), ("pids", "pids_max")])
  func `a guard with no limit to hold says for whom`(_ name: String, _ key: String) throws {
    var limited = tenant("b")
    limited.worker = ResourceCaps(memoryBytes: 1 << 30, cpus: 1, processes: 64)
    let state = try #require(states(tenants: [tenant("a"), limited])[name])
    #expect(state.level == .enforced && state.detail.contains("; no `\(key)` is set for workers of a"))
    #expect(states(tenants: [limited])[name]?.detail.contains("is set") == false)
  }

  @Test(arguments: [(0, GuardState.Level.absent), (1, .absent), (2, .weaker), (3, .enforced), (9, .enforced)])
  func `Landlock is as good as its ABI`(_ abi: Int, _ level: GuardState.Level) {
    #expect(states(abi: abi)["landlock"]?.level == level)
  }

  @Test func `what was tried and did not hold is absent, whatever the host claims`() {
    let found = states(probe: ["memory": .broken("a child got through"), "cpu": .holds])
    #expect(found["memory"]?.level == .absent)
    #expect(found["memory"]?.detail.contains("a child got through") == true)
    #expect(found["cpu"]?.level == .enforced)
  }

  @Test func `a required guard that is weaker, absent or unknown is fatal`() throws {
    let found = Array(states(isRoot: false).values)
    try found.check(required: ["no_new_privileges"])
    #expect(throws: MissingGuards.self) { try found.check(required: ["cgroup"]) }
    let error = #expect(throws: MissingGuards.self) { try found.check(required: ["user", "usre"]) }
    #expect(error?.guards.map(\.name) == ["user", "usre"])
    #expect(error?.description.contains("usre (absent: there is no such guard)") == true)
  }
}
