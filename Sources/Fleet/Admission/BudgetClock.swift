package import Tenant

/// One look at the machine's clocks. An argument everywhere, so that every decision can be tested at any instant.
package struct ClockReading: Sendable, Hashable {
  /// Unix seconds: can be set, can step.
  package let wall: Int64
  /// Seconds since boot, suspend included: cannot step, starts again with each boot.
  package let sinceBoot: Int64
  /// Which boot `sinceBoot` counts from (`/proc/sys/kernel/random/boot_id`).
  package let bootID: String

  package init(wall: Int64, sinceBoot: Int64, bootID: String) {
    self.wall = wall
    self.sinceBoot = sinceBoot
    self.bootID = bootID
  }
}

/// The day that money is counted in, and when the next begins.
package struct BudgetDay: Sendable, Hashable {
  package let date: CivilDate
  /// Unix seconds. In the zone of the tenant; 23 or 25 hours after the day began when its clock changes.
  package let resetsAt: Int64

  package init(date: CivilDate, resetsAt: Int64) {
    self.date = date
    self.resetsAt = resetsAt
  }
}

/// Which day it is for a budget: the date on the tenant's wall, held against clocks that lie.
///
/// The day in force is a high-water mark, kept in the ledger. It moves
/// - forward as soon as the wall shows a later date;
/// - never back because the wall shows an earlier one: a stepped clock, a zone changed westward or a midnight that comes twice
///   gives nobody yesterday's leftovers or an empty past day to spend;
/// - to an earlier date only after 24 hours of *elapsed* time in the day in force. A clock that was once a year ahead therefore
///   blocks nobody for a year: after a day's worth of time there is a new day, and if that date was in use before, its
///   spending still counts, because money is kept by date.
///
/// Elapsed time is measured by the boot clock, summed over boots from below: time that the machine was off is not counted.
package struct BudgetClock: Sendable, Hashable {
  /// The day in force.
  package let date: CivilDate
  /// Seconds known to have passed since this day was opened.
  package let age: Int64
  /// The boot clock when `age` was brought up to date.
  package let sinceBoot: Int64
  package let bootID: String

  package static let fullDay: Int64 = 86_400

  package init(date: CivilDate, age: Int64, sinceBoot: Int64, bootID: String) {
    self.date = date
    self.age = age
    self.sinceBoot = sinceBoot
    self.bootID = bootID
  }

  /// The clock after one more reading. `previous` is nil the first time.
  package static func advanced(_ previous: BudgetClock?, now: ClockReading, zone: ZoneRules) -> BudgetClock {
    let shown = zone.date(at: now.wall)
    func opened(_ date: CivilDate) -> BudgetClock {
      BudgetClock(date: date, age: 0, sinceBoot: now.sinceBoot, bootID: now.bootID)
    }
    guard let previous, shown <= previous.date else { return opened(shown) }
    let passed = previous.bootID == now.bootID ? max(0, now.sinceBoot - previous.sinceBoot) : now.sinceBoot
    let age = previous.age.saturatingSum(passed)
    guard shown == previous.date || age < fullDay else { return opened(shown) }
    return BudgetClock(date: previous.date, age: age, sinceBoot: now.sinceBoot, bootID: now.bootID)
  }

  /// The day in force with its end. Where the wall lags behind it, the earlier of the two ways out is the reset.
  package func day(now: ClockReading, zone: ZoneRules) -> BudgetDay {
    let nextDate = zone.start(of: date.advanced(by: 1))
    guard zone.date(at: now.wall) < date else { return BudgetDay(date: date, resetsAt: nextDate) }
    return BudgetDay(date: date, resetsAt: min(nextDate, now.wall.saturatingSum(max(1, Self.fullDay - age))))
  }
}
