/// What was spent, by day: the face of `looop cost`. Days are those of this machine's time zone.
package struct CostReport: Hashable, Sendable {
  package struct Day: Hashable, Sendable {
    package var date: String
    package var calls: Int
    package var microUSD: Int64
    /// Of that, what no runner reported.
    package var estimatedMicroUSD: Int64
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
        days.insert(Day(date: date, calls: 0, microUSD: 0, estimatedMicroUSD: 0), at: place)
      }
    } else {
      place = 0
      days.insert(Day(date: date, calls: 0, microUSD: 0, estimatedMicroUSD: 0), at: 0)
    }
    days[place].calls += 1
    days[place].microUSD += row.microUSD
    if let source = row.source, source != .reported { days[place].estimatedMicroUSD += row.microUSD }
  }

  package var calls: Int { days.reduce(0) { $0 + $1.calls } }
  package var microUSD: Int64 { days.reduce(0) { $0 + $1.microUSD } }

  /// `Day | Calls | Cost` and a total.
  package var table: String {
    guard !days.isEmpty else { return "nothing spent yet" }
    let rows =
      [["Day", "Calls", "Cost"]] + days.map { [$0.date, String($0.calls), "$" + Money.text($0.microUSD)] }
      + [["Total", String(calls), "$" + Money.text(microUSD)]]
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let day = row[0] + String(repeating: " ", count: widths[0] - row[0].count)
      let numbers = [1, 2].map { String(repeating: " ", count: widths[$0] - row[$0].count) + row[$0] }
      return ([day] + numbers).joined(separator: " | ")
    }.joined(separator: "\n")
  }

  package var json: JSON {
    [
      "days": .array(
        days.map {
          [
            "day": .string($0.date), "calls": .int(Int64($0.calls)), "cost_usd": Money.json($0.microUSD),
            "estimated_usd": Money.json($0.estimatedMicroUSD),
          ]
        }),
      "total": ["calls": .int(Int64(calls)), "cost_usd": Money.json(microUSD)],
    ]
  }
}
