import Fleet
import Tenant
import TestSupport
import Testing

@Suite struct RoleBookTests {
  static let lookup = UserLookup(
    user: { uid in
      switch uid {
      case 0: .init(name: "root", groups: [0])
      case 1000: .init(name: "alice", groups: [1000])
      case 2000: .init(name: "carol", groups: [2000, 71])
      case 2001: .init(name: "otto", groups: [2001, 70])
      default: nil
      }
    },
    group: { ["looop-ops": 70, "looop-concierge": 71][$0] })

  static let cases: [(uid: UInt32, gid: UInt32, tenants: Set<String>, roles: Set<Caller.Role>, user: String)] = [
    (0, 0, [], [.ops], "root"), (500, 500, [], [.ops], "500"), (2001, 2001, [], [.ops], "otto"),
    (2000, 2000, [], [.concierge], "carol"), (1000, 1000, ["web"], [.tenant], "alice"), (1000, 1000, [], [], "alice"),
    (4000, 71, [], [.concierge], "4000"), (4000, 4000, [], [], "4000"),
  ]

  @Test(arguments: cases)
  func `roles come from the user, his groups and his tenants`(
    row: (uid: UInt32, gid: UInt32, tenants: Set<String>, roles: Set<Caller.Role>, user: String)
  ) async {
    let book = RoleBook(owner: 500, lookup: Self.lookup, monotonic: { 0 })
    let caller = await book.caller(
      PeerCredentials(pid: 9, uid: row.uid, gid: row.gid), tenants: row.tenants, via: "cli")
    #expect(caller.roles == row.roles)
    #expect(caller.user == row.user)
    #expect(caller.tenants == row.tenants)
  }

  @Test func `the user database is asked once in a while, not for each request`() async {
    let asked = Locked(0)
    let clock = FixedClock()
    let lookup = UserLookup(
      user: { _ in
        asked.withLock { $0 += 1 }
        return nil
      }, group: { _ in nil })
    let book = RoleBook(owner: 500, lookup: lookup, monotonic: clock.clock.monotonic)
    let peer = PeerCredentials(pid: 1, uid: 7, gid: 7)
    for _ in 0..<5 { _ = await book.caller(peer, tenants: [], via: "") }
    #expect(asked.withLock { $0 } == 1)
    clock.advance(by: 60)
    _ = await book.caller(peer, tenants: [], via: "")
    #expect(asked.withLock { $0 } == 2)
  }

  @Test func `the system's own database knows root`() {
    #expect(UserLookup.system.user(0)?.name == "root")
    #expect(UserLookup.system.group("no such group") == nil)
    #expect(UserLookup.systemUser(named: "root")?.uid == 0)
  }

  typealias Agent = (
    uid: UInt32, place: PeerPlace, tenants: Set<String>, roles: Set<Caller.Role>, left: Set<String>
  )
  static let agents: [Agent] = [
    (2001, .inside(tenant: "web"), ["web"], [.tenant], ["web"]),
    (2001, .inside(tenant: "web"), ["web", "api"], [.tenant], ["web"]),
    (2000, .inside(tenant: "web"), ["web"], [.tenant], ["web"]),
    (0, .inside(tenant: "web"), ["web"], [.tenant], ["web"]),
    (500, .inside(tenant: "web"), ["web"], [.tenant], ["web"]), (0, .inside(tenant: "gone"), ["web"], [], []),
    (2001, .outside, ["web"], [.ops, .tenant], ["web"]), (2001, .unknown, ["web"], [.tenant], ["web"]),
    (2001, .unknown, [], [.ops], []),
  ]

  @Test(arguments: agents)
  func `an agent has its tenant's rights and no more, whatever its user is`(_ row: Agent) async {
    let (uid, place, tenants, roles, left) = row
    let book = RoleBook(owner: 500, lookup: Self.lookup, monotonic: { 0 })
    let caller = await book.caller(
      PeerCredentials(pid: 9, uid: uid, gid: uid), tenants: tenants, place: place, via: "cli")
    #expect(caller.roles == roles && caller.tenants == left)
  }

  @Test func `a group that was taken on for a while gives nothing to the user's other processes`() async {
    let book = RoleBook(owner: 500, lookup: Self.lookup, monotonic: { 0 })
    let inGroup = await book.caller(PeerCredentials(pid: 9, uid: 4000, gid: 70), tenants: [], via: "cli")
    let after = await book.caller(PeerCredentials(pid: 10, uid: 4000, gid: 4000), tenants: [], via: "cli")
    #expect(inGroup.roles == [.ops] && after.roles.isEmpty)
  }
}
