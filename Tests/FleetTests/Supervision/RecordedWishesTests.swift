import Testing

@testable import Fleet

@Suite struct RecordedWishesTests {
  @Test func `a stranger's refusals stay out of the ledger, and a flood out of the log`() {
    var wishes = RecordedWishes(RecordedWishes.refused)
    let burst = Int(RecordedWishes.refused.burst)
    for _ in 0..<burst { #expect(wishes.place(.stranger(), at: 0) == .log(unsaid: 0)) }
    for _ in 0..<100 { #expect(wishes.place(.stranger(), at: 0) == .nowhere) }
    // Somebody else's is heard meanwhile; with a part in the fleet it is booked.
    #expect(wishes.place(.tenant("web"), at: 0) == .ledger(unsaid: 0))
    #expect(wishes.place(.stranger(), at: 61) == .log(unsaid: 100))
    #expect(wishes.place(.stranger(), at: 61) == .nowhere)
    for _ in 1..<burst { _ = wishes.place(.tenant("web"), at: 0) }
    #expect(wishes.place(.tenant("web"), at: 0) == .nowhere, "a tenant floods the books no more than others")
  }
}
