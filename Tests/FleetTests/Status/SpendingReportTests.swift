import Tenant
import Testing

@testable import Fleet

@Suite struct SpendingReportTests {
  func row(
    _ day: Int64, goal: String? = nil, worker: String? = nil, source: ChargeSource = .reported, unpriced: Bool = false,
    _ micros: Int64
  ) -> BudgetRow {
    BudgetRow(
      day: CivilDate(year: 2026, month: 6, day: day), tenant: "web", kind: worker == nil ? .tick : .worker,
      goal: goal,
      worker: worker, runner: "claude", model: "m", source: source, unpriced: unpriced, usd: MicroUSD(micros: micros),
      tokens: ChargedTokens(input: 10, cacheRead: 0, cacheWrite: 0, output: 5), decides: 1, runs: 1)
  }

  @Test func `rows are summed by day and by what they went to`() {
    let entry = SpendingReport.Entry(
      name: "web", today: nil, forecast: nil,
      rows: [
        row(30, goal: "g", 1_000_000), row(30, goal: "g", source: .bound, 500_000), row(29, worker: "w", 2_000_000),
        row(29, source: .priced, unpriced: true, 250_000),
      ])
    #expect(entry.days.map(\.day) == ["2026-06-30", "2026-06-29"])
    #expect(entry.days[0].usd == 1_500_000 && entry.days[0].reported == 1_000_000 && entry.days[0].bound == 500_000)
    #expect(entry.days[1].priced == 250_000 && entry.days[1].unpriced == 250_000)
    #expect(entry.shares.map(\.usd) == [2_000_000, 1_500_000, 250_000])
    #expect(entry.shares.last?.goal == nil && entry.shares.last?.worker == nil, "the unattributed rest has its row")
    let csv = SpendingReport(tenants: [entry]).csv
    #expect(csv.hasPrefix(BudgetCSV.header))
    #expect(csv.split(separator: "\r\n").count == 5)
    var stray = row(30, worker: nil, 1)
    stray = BudgetRow(
      day: stray.day, tenant: "web", kind: .worker, goal: nil, worker: nil, runner: "unattributed", model: "m",
      source: .priced, unpriced: false, usd: stray.usd, tokens: stray.tokens, decides: 0, runs: 1)
    let unattributed = SpendingReport.Entry(name: "web", today: nil, forecast: nil, rows: [row(30, 2), stray]).shares
    #expect(unattributed.map(\.kind) == ["tick", nil])
    #expect(entry.json.object?.keys.sorted() == ["days", "forecast", "name", "shares", "today"])
  }
}
