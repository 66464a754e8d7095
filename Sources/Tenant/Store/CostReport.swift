/// What was spent, by day: the face of `looop cost`. Days are those of this machine's time zone.
package struct CostReport: Hashable, Sendable {
  package struct Day: Hashable, Sendable {
    package var date: String
    package var calls: Int
    package var microUSD: Int64
    /// Of that, what was computed from tokens by the price list.
    package var pricedMicroUSD: Int64 = 0
    /// Of that, what was only known not to have been more.
    package var boundMicroUSD: Int64 = 0
  }

  package private(set) var days: [Day] = []

  package init(days: [Day] = []) { self.days = days }

  package static func read(_ data: DataDir) throws(HostError) -> CostReport {
    var report = CostReport()
    try CostLog(data).forEach { report.add($0) }
    return report
  }

  package mutating func add(_ row: CostRow) {
    let date = LocalTime(row.ts).date
    let place: Int
    // Rows come nearly in order: the day is the last one, or a new one.
    if let known = days.lastIndex(where: { $0.date <= date }) {
      if days[known].date == date {
        place = known
      } else {
        place = known + 1
        days.insert(Day(date: date, calls: 0, microUSD: 0), at: place)
      }
    } else {
      place = 0
      days.insert(Day(date: date, calls: 0, microUSD: 0), at: 0)
    }
    days[place].calls += 1
    days[place].microUSD += row.microUSD
    switch row.source {
    case .priced: days[place].pricedMicroUSD += row.microUSD
    case .bound: days[place].boundMicroUSD += row.microUSD
    // looop 1.0 wrote only what its runner had reported.
    case .reported, nil: break
    }
  }

  package var calls: Int { days.reduce(0) { $0 + $1.calls } }
  package var microUSD: Int64 { days.reduce(0) { $0 + $1.microUSD } }
  package var pricedMicroUSD: Int64 { days.reduce(0) { $0 + $1.pricedMicroUSD } }
  package var boundMicroUSD: Int64 { days.reduce(0) { $0 + $1.boundMicroUSD } }

  /// `Day | Calls | Cost`, a total, and what of it no runner reported.
  package var table: String {
    guard !days.isEmpty else { return "nothing spent yet" }
    let rows =
      [["Day", "Calls", "Cost"]] + days.map { [$0.date, String($0.calls), "$" + Money.text($0.microUSD)] }
      + [["Total", String(calls), "$" + Money.text(microUSD)]]
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    let lines = rows.map { row in
      let day = row[0] + String(repeating: " ", count: widths[0] - row[0].count)
      let numbers = [1, 2].map { String(repeating: " ", count: widths[$0] - row[$0].count) + row[$0] }
      return ([day] + numbers).joined(separator: " | ")
    }
    return (lines + [unreported].compactMap { $0 }).joined(separator: "\n")
  }

  private var unreported: String? {
    let parts = [
      pricedMicroUSD > 0 ? "$\(Money.text(pricedMicroUSD)) is tokens by the price list" : nil,
      boundMicroUSD > 0 ? "$\(Money.text(boundMicroUSD)) is an upper bound, where nothing better was known" : nil,
    ].compactMap { $0 }
    return parts.isEmpty ? nil : "of that, " + parts.joined(separator: ", and ")
  }

  package var json: JSON {
    [
      "days": .array(
        days.map {
          [
            "day": .string($0.date), "calls": .int(Int64($0.calls)), "cost_usd": Money.json($0.microUSD),
            "priced_usd": Money.json($0.pricedMicroUSD), "bound_usd": Money.json($0.boundMicroUSD),
          ]
        }),
      "total": [
        "calls": .int(Int64(calls)), "cost_usd": Money.json(microUSD), "priced_usd": Money.json(pricedMicroUSD),
        "bound_usd": Money.json(boundMicroUSD),
      ],
    ]
  }
}
