package import Tenant

/// What tenants spent and where they stand: `budget --json`, `GET /v1/budget`.
/// Shape: `{"tenants":[{"name","today":BUDGET,"forecast","days":[{"day","usd","tokens","decides","reported","priced","bound","unpriced"}],
/// "shares":[{"goal","worker","model","kind","usd","tokens"}]}]}`; money in USD, BUDGET as in status.
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

  /// What the money went to, over the days of the report. All nil is the unattributed rest.
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

    package init(name: String, today: TenantBudget?, forecast: String?, days: [Day], shares: [Share]) {
      self.name = name
      self.today = today
      self.forecast = forecast
      self.days = days
      self.shares = shares
    }

    package var json: JSON {
      [
        "name": .string(name), "today": today?.json ?? .null, "forecast": .optional(forecast),
        "days": .array(days.map(\.json)), "shares": .array(shares.map(\.json)),
      ]
    }
  }

  package var tenants: [Entry]

  package init(tenants: [Entry]) { self.tenants = tenants }

  package var json: JSON { ["tenants": .array(tenants.map(\.json))] }
}
