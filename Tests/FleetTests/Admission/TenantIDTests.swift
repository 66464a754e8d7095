import Testing

@testable import Fleet

@Suite struct TenantIDTests {
  @Test(arguments: ["web", "a", "Web-1", "a.b_c", "9", String(repeating: "x", count: 48)])
  func `names of tenants`(name: String) { #expect(TenantID(name)?.name == name) }

  @Test(arguments: ["", ".", "..", ".x", "-x", "_x", "a/b", "a b", "ä", "a\n", "*", String(repeating: "x", count: 49)])
  func `what is no name of a tenant`(name: String) { #expect(TenantID(name) == nil) }

  @Test func `sums of amounts saturate`() {
    #expect(BudgetAmounts(tokens: .max) + BudgetAmounts(tokens: 5) == BudgetAmounts(tokens: .max))
  }
}
