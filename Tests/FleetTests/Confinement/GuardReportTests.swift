import Fleet
import SystemPackage
import Tenant
import Testing

private func tenant(_ name: String, uid: UInt32 = 1001, shares: Bool = false) -> ConfinedTenant {
  var tenant = ConfinedTenant(
    name: name, dataDirectory: "/srv/x", user: TenantUser(name: "u", uid: uid, gid: 1, groups: [], home: "/home/u"))
  tenant.sharesUser = shares
  tenant.worker = ResourceCaps(memoryBytes: 1 << 30, cpus: 1, processes: 64)
  return tenant
}

private func states(
  isRoot: Bool = true, abi: Int = 7, offer: ControlGroupOffer = full, tenants: [ConfinedTenant] = [tenant("a")],
  probe: [String: GuardProbe.Finding] = [:], hidesProcesses: Bool = true
) -> [String: GuardState] {
  let policy = ConfinementPolicy(
    offer: HostOffer(isRoot: isRoot, landlockABI: abi, controlGroups: offer, hidesProcesses: hidesProcesses), tools: [])
  let list = GuardReport.states(policy: policy, tenants: tenants, probe: probe)
  return Dictionary(uniqueKeysWithValues: list.map { ($0.name, $0) })
}

private let full = ControlGroupOffer(hasGroups: true, memory: .v2, cpu: .v2, processes: .v2)

@Suite struct GuardReportTests {
  @Test func `a full host enforces everything`() {
    #expect(states().values.allSatisfy { $0.isEnforced && $0.hint == nil })
    #expect(
      states().keys.sorted() == [
        "cgroup", "cpu", "environment", "landlock", "memory", "no_new_privileges", "pids", "proc", "resource_limits",
        "user",
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
  func `a guard with no limit to hold is none, and says for whom`(_ name: String, _ key: String) throws {
    var unlimited = tenant("a")
    unlimited.worker = ResourceCaps()
    let some = try #require(states(tenants: [unlimited, tenant("b")])[name])
    #expect(some.level == .weaker && some.detail.contains("; no `\(key)` is set for workers of a"))
    let all = try #require(states(tenants: [unlimited])[name])
    #expect(all.level == .absent && all.detail.hasPrefix("no `\(key)` is set for workers of a: a worker can use"))
    for state in [some, all] {
      #expect(state.hint?.contains(key) == true)
      #expect(throws: MissingGuards.self) { try [state].check(required: [name]) }
    }
    #expect(states(tenants: [tenant("b")])[name]?.level == .enforced)
  }

  @Test func `command lines that everybody reads are told`() {
    #expect(states()["proc"]?.level == .enforced)
    let open = states(hidesProcesses: false)["proc"]
    #expect(open?.level == .absent && open?.hint?.contains("hidepid") == true)
    #expect(states(isRoot: false)["proc"]?.level == .absent)
    #expect(states(tenants: [tenant("a", shares: true)])["proc"]?.level == .absent)
    #expect(states(probe: ["proc": .broken("seen")])["proc"]?.level == .absent)
    #expect(states()["landlock"]?.detail.contains("nothing else") == false)
  }

  @Test func `a tenant as root is told to have a user, whatever else it lacks by that`() {
    let found = Array(states(tenants: [tenant("rooty", uid: 0)]).values)
    let error = #expect(throws: MissingGuards.self) { try found.check(required: ["cgroup", "landlock", "user"]) }
    #expect(error?.hint == "set `user:` in tenants.d/rooty.yaml")
    #expect(found.first { $0.name == "landlock" }?.hint == "set `user:` in tenants.d/rooty.yaml")
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
