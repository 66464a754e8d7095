import Testing

@testable import Fleet

@Suite struct RecordedOrdersTests {
  @Test func `a stranger's refusals stay out of the ledger, and a flood out of the log`() {
    var orders = RecordedOrders(RecordedOrders.refused)
    let burst = Int(RecordedOrders.refused.burst)
    for _ in 0..<burst { #expect(orders.place(.stranger(), at: 0) == .log(unsaid: 0)) }
    for _ in 0..<100 { #expect(orders.place(.stranger(), at: 0) == .nowhere) }
    // Somebody else's is heard meanwhile; with a part in the fleet it is booked.
    #expect(orders.place(.tenant("web"), at: 0) == .ledger(unsaid: 0))
    #expect(orders.place(.stranger(), at: 61) == .log(unsaid: 100))
    #expect(orders.place(.stranger(), at: 61) == .nowhere)
    for _ in 1..<burst { _ = orders.place(.tenant("web"), at: 0) }
    #expect(orders.place(.tenant("web"), at: 0) == .nowhere, "a tenant floods the books no more than others")
  }
}
