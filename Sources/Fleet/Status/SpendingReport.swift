package import Tenant

/// What tenants spent and where they stand: `budget --json`, `GET /v1/budget`.
/// Shape: `{"tenants":[{"name","today":BUDGET,"forecast","days":[{"day","usd","tokens","decides","reported","priced","bound","unpriced"}],
/// "shares":[{"goal","worker","model","kind","usd","tokens"}]}],"fleet":BUDGET|null,"fleet_forecast"}`; money in USD, BUDGET as in status.
package struct SpendingReport: Hashable, Sendable {
  package struct Day: Hashable, Sendable {
    package var day: String
    /// Micro-dollars, and how much of them comes from which source.
    package var usd: Int64
    package var tokens: Int64
    package var decides: Int64
    package var reported: Int64
    package var priced: Int64
    package var bound: Int64
    /// Charged at the dearest known price, since nobody knows the model's.
    package var unpriced: Int64

    package init(
      day: String, usd: Int64, tokens: Int64, decides: Int64, reported: Int64, priced: Int64, bound: Int64,
      unpriced: Int64
    ) {
      self.day = day
      self.usd = usd
      self.tokens = tokens
      self.decides = decides
      self.reported = reported
      self.priced = priced
      self.bound = bound
      self.unpriced = unpriced
    }

    package var json: JSON {
      [
        "day": .string(day), "usd": .usd(usd), "tokens": .int(tokens), "decides": .int(decides),
        "reported": .usd(reported), "priced": .usd(priced), "bound": .usd(bound), "unpriced": .usd(unpriced),
      ]
    }
  }

  /// What the money went to, over the days of the report. Without a goal, a worker and a kind it is unattributed: an agent that somebody
  /// started beside the loop and its workers.
  package struct Share: Hashable, Sendable {
    package var goal: String?
    package var worker: String?
    package var model: String?
    /// `tick` or `worker`.
    package var kind: String?
    package var usd: Int64
    package var tokens: Int64

    package init(goal: String?, worker: String?, model: String?, kind: String?, usd: Int64, tokens: Int64) {
      self.goal = goal
      self.worker = worker
      self.model = model
      self.kind = kind
      self.usd = usd
      self.tokens = tokens
    }

    package var json: JSON {
      [
        "goal": .optional(goal), "worker": .optional(worker), "model": .optional(model), "kind": .optional(kind),
        "usd": .usd(usd), "tokens": .int(tokens),
      ]
    }
  }

  package struct Entry: Hashable, Sendable {
    package var name: String
    package var today: TenantBudget?
    /// In words: `at this rate spent by 15:40`.
    package var forecast: String?
    /// Newest first.
    package var days: [Day]
    package var shares: [Share]
    /// What the days and the shares were summed from, for `budget --csv`; not part of the JSON.
    package var rows: [BudgetRow] = []

    package init(name: String, today: TenantBudget?, forecast: String?, days: [Day], shares: [Share]) {
      self.name = name
      self.today = today
      self.forecast = forecast
      self.days = days
      self.shares = shares
    }

    /// From the ledger's rows of one tenant, which are finer: by day, kind, goal, worker, model and source.
    package init(name: String, today: TenantBudget?, forecast: String?, rows: [BudgetRow]) {
      self.init(
        name: name, today: today, forecast: forecast, days: SpendingReport.days(of: rows),
        shares: SpendingReport.shares(of: rows))
      self.rows = rows
    }

    package var json: JSON {
      [
        "name": .string(name), "today": today?.json ?? .null, "forecast": .optional(forecast),
        "days": .array(days.map(\.json)), "shares": .array(shares.map(\.json)),
      ]
    }
  }

  package var tenants: [Entry]
  /// The day of the whole fleet, where it has a cap; nobody's who sees one tenant only.
  package var fleet: TenantBudget?
  package var fleetForecast: String?

  package init(tenants: [Entry], fleet: TenantBudget? = nil, fleetForecast: String? = nil) {
    self.tenants = tenants
    self.fleet = fleet
    self.fleetForecast = fleetForecast
  }

  package var json: JSON {
    [
      "tenants": .array(tenants.map(\.json)), "fleet": fleet?.json ?? .null, "fleet_forecast": .optional(fleetForecast),
    ]
  }
}

extension SpendingReport {
  /// Newest first.
  static func days(of rows: [BudgetRow]) -> [Day] {
    var days: [String: Day] = [:]
    for row in rows {
      let date = row.day.description
      var day =
        days[date]
        ?? Day(day: date, usd: 0, tokens: 0, decides: 0, reported: 0, priced: 0, bound: 0, unpriced: 0)
      day.usd += row.usd.micros
      day.tokens += row.tokens.total
      day.decides += row.decides
      switch row.source {
      case .reported: day.reported += row.usd.micros
      case .priced: day.priced += row.usd.micros
      case .bound: day.bound += row.usd.micros
      }
      if row.unpriced { day.unpriced += row.usd.micros }
      days[date] = day
    }
    return days.values.sorted { $0.day > $1.day }
  }

  /// The dearest first.
  static func shares(of rows: [BudgetRow]) -> [Share] {
    struct Key: Hashable {
      var goal: String?
      var worker: String?
      var model: String?
      var kind: String?
    }
    var shares: [Key: Share] = [:]
    for row in rows {
      let kind = row.runner == RunRequest.unattributed ? nil : row.kind.rawValue
      let key = Key(goal: row.goal, worker: row.worker, model: row.model, kind: kind)
      var share =
        shares[key]
        ?? Share(goal: key.goal, worker: key.worker, model: key.model, kind: key.kind, usd: 0, tokens: 0)
      share.usd += row.usd.micros
      share.tokens += row.tokens.total
      shares[key] = share
    }
    return shares.values.sorted {
      ($1.usd, $0.goal ?? "", $0.worker ?? "", $0.model ?? "") < (
        $0.usd, $1.goal ?? "", $1.worker ?? "", $1.model ?? ""
      )
    }
  }

  /// The rows of all tenants as comma-separated values.
  package var csv: String { BudgetCSV.text(tenants.flatMap(\.rows)) }
}
