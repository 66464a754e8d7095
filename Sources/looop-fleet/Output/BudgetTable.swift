import Fleet
import Tenant

/// Money as tables: where the fleet and each tenant stand, their days, and what the money went to. The words are for who pays, not for
/// who wrote the ledger.
enum BudgetTable {
  static func lines(_ report: JSON, days: Int, width: Int, paint: Paint) -> [String] {
    let tenants = report["tenants"]?.array ?? []
    var whole: [JSON] = []
    if let fleet = report["fleet"], fleet.object != nil {
      whole = [["name": "the whole fleet", "today": fleet, "forecast": report["fleet_forecast"] ?? .null]]
    }
    var lines = standing(whole + tenants, width: width, paint: paint)
    for tenant in tenants {
      let name = tenant["name"]?.string ?? "-"
      if days > 1, let rows = tenant["days"]?.array, !rows.isEmpty {
        lines += ["", paint(.strong, "\(Display.line(name)): by day")] + daily(rows, width: width, paint: paint)
      }
      if let shares = tenant["shares"]?.array, !shares.isEmpty {
        lines += ["", paint(.strong, "\(Display.line(name)): what it went to")]
        lines += attribution(shares, width: width, paint: paint)
      }
    }
    if days > 1, tenants.contains(where: { $0["days"]?.array?.isEmpty == false }) {
      lines += [""] + legend.map { paint(.faint, $0) }
    }
    return lines
  }

  private static let legend = [
    "reported: the runner's own figure. priced: its tokens by the price list.",
    "bound: an upper limit, charged where a run was cut off or says nothing. unpriced: no price is known, so the dearest was used.",
  ]

  private static func standing(_ tenants: [JSON], width: Int, paint: Paint) -> [String] {
    let columns: [TextTable.Column] = [
      .init("TENANT"), .init("DAY", expendability: 3), .init("STATE"), .init("SPENT", right: true),
      .init("HELD", right: true, expendability: 2), .init("TOKENS", right: true, expendability: 1),
      .init("DECIDES", right: true, expendability: 1), .init("RESETS", expendability: 2),
    ]
    let rows = tenants.map { tenant in
      let budget = tenant["today"].flatMap(TenantBudget.init(json:))
      let style: Paint.Style = budget?.state == "open" ? .good : budget?.state == "warning" ? .warning : .bad
      return TextTable.Row(
        [
          .init(tenant["name"]?.string ?? "-", .strong), .init(budget?.day ?? "-", .faint),
          .init(budget?.state ?? "unknown", style), .init(budget.map { axis($0.usd, Display.money) } ?? "-"),
          .init(budget.map { Display.money($0.usd.reserved) } ?? "-"),
          .init(budget.map { axis($0.tokens, Display.count) } ?? "-"),
          .init(budget.map { axis($0.decides, Display.count) } ?? "-"),
          .init(budget.map { LocalTime($0.resetsAt) }.map { "\($0.date) \($0.clock)" } ?? "-", .faint),
        ], note: tenant["forecast"]?.string.map { .init($0, .warning) })
    }
    return TextTable(columns, rows).lines(width: width, paint: paint)
  }

  private static func axis(_ axis: TenantBudget.Axis, _ text: (Int64) -> String) -> String {
    guard let cap = axis.cap else { return text(axis.spent) }
    let percent = cap > 0 ? " (\(Int128(max(0, axis.spent)) * 100 / Int128(cap)) %)" : ""
    return "\(text(axis.spent)) of \(text(cap))\(percent)"
  }

  private static func daily(_ days: [JSON], width: Int, paint: Paint) -> [String] {
    let columns: [TextTable.Column] = [
      .init("DAY"), .init("SPENT", right: true), .init("TOKENS", right: true), .init("DECIDES", right: true),
      .init("REPORTED", right: true, expendability: 1), .init("PRICED", right: true, expendability: 1),
      .init("BOUND", right: true, expendability: 1), .init("UNPRICED", right: true, expendability: 2),
    ]
    func money(_ day: JSON, _ key: String) -> TextTable.Cell { .init(Display.money(day[key]?.microUSD ?? 0)) }
    return TextTable(
      columns,
      days.map { day in
        TextTable.Row([
          .init(day["day"]?.string ?? "-"), money(day, "usd"), .init(Display.count(day["tokens"]?.int ?? 0)),
          .init(Display.count(day["decides"]?.int ?? 0)), money(day, "reported"), money(day, "priced"),
          money(day, "bound"), money(day, "unpriced"),
        ])
      }
    ).lines(width: width, paint: paint)
  }

  private static func attribution(_ shares: [JSON], width: Int, paint: Paint) -> [String] {
    let columns: [TextTable.Column] = [
      .init("SPENT", right: true), .init("TOKENS", right: true), .init("FOR"), .init("GOAL"), .init("WORKER"),
      .init("MODEL", expendability: 1),
    ]
    return TextTable(
      columns,
      shares.map { share in
        let isAttributed = share["goal"]?.string != nil || share["worker"]?.string != nil
        return TextTable.Row([
          .init(Display.money(share["usd"]?.microUSD ?? 0)), .init(Display.count(share["tokens"]?.int ?? 0)),
          .init(share["kind"]?.string == "tick" ? "decides" : share["kind"]?.string ?? "-"),
          .init(share["goal"]?.string ?? (isAttributed ? "-" : "unattributed")),
          .init(share["worker"]?.string ?? "-"), .init(share["model"]?.string ?? "-", .faint),
        ])
      }
    ).lines(width: width, paint: paint)
  }
}
