import Fleet
import Testing

@Suite struct AccessTests {
  static let actions: [(action: ControlAction, ops: Bool, concierge: Bool, own: Bool, other: Bool)] = [
    (.readAll, true, true, true, true),
    (.read(tenant: "web"), true, true, true, false),
    (.answer(tenant: "web"), true, true, true, false),
    (.verb(tenant: "web"), true, false, true, false),
    (.work(tenant: "web"), true, false, true, false),
    (.operate(tenant: "web"), true, false, false, false),
    (.operate(tenant: nil), true, false, false, false),
    (.metrics, true, true, false, false),
  ]

  @Test(arguments: actions)
  func `each role may do what the design says`(
    row: (action: ControlAction, ops: Bool, concierge: Bool, own: Bool, other: Bool)
  ) {
    #expect((Access.refusal(row.action, by: .ops()) == nil) == row.ops)
    #expect((Access.refusal(row.action, by: .concierge()) == nil) == row.concierge)
    #expect((Access.refusal(row.action, by: .tenant("web")) == nil) == row.own)
    #expect((Access.refusal(row.action, by: .tenant("api")) == nil) == row.other)
    let refusal = Access.refusal(row.action, by: .stranger())
    #expect(refusal?.class == .permissionDenied)
    #expect(refusal?.hint != nil)
  }

  @Test func `a refusal does not tell whether a tenant exists`() {
    let known = Access.refusal(.answer(tenant: "web"), by: .tenant("api"))
    let unknown = Access.refusal(.answer(tenant: "nope"), by: .tenant("api"))
    #expect(known?.class == unknown?.class)
    #expect(known?.message.replacing("web", with: "nope") == unknown?.message)
  }

  @Test func `a tenant's user sees his own rows and totals over them`() async {
    let document = await InMemoryFleet().document()
    let seen = document.visible(to: .tenant("web"))
    #expect(seen.tenants.map(\.name) == ["web"])
    #expect(seen.spentToday == 1_200_000)
    #expect(seen.workers.live == 1)
    #expect(seen.asksPending == 1)
    #expect(document.visible(to: .concierge()) == document)
    // How it is held, and nothing of who else is there.
    var named = document
    named.guards = [.init(name: "user", level: .weaker, detail: "api, web share a user", hint: "in tenants.d/api.yaml")]
    let guards = named.visible(to: .tenant("web")).guards
    #expect(guards.map(\.name) == ["user"] && guards.map(\.level) == [.weaker])
    #expect(!"\(guards)".contains("api"))
  }
}
