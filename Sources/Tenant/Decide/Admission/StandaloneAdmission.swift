import CLinux
import Glibc
import SystemPackage

/// The daily budget of a tenant without a fleet: `max_daily_usd` per local day, kept in `cost.jsonl`.
///
/// Reserve, then run, then settle: what a run may cost stands on disk before the runner starts, so that a crash in between is
/// charged, as an upper bound, by whoever comes next.
package struct StandaloneAdmission: DecideAdmission {
  package let data: DataDir
  /// 0 = no cap. Micro-dollars.
  package let cap: Int64
  /// What the tenant says that a run without figures costs at most.
  package let unmetered: Int64?
  package let clock: HostClock
  /// The fleet parks accounts itself: two jitters on one limit would only be longer.
  private let isInFleet: Bool
  /// What went wrong without stopping the beat.
  package private(set) var warnings: [String] = []

  package static let defaultUSD = 10.0

  /// `isInFleet`: without a cap of its own the tenant has none; the fleet's rules.
  package init(
    _ data: DataDir, config: RunnerConfig?, environment: HostEnvironment, clock: HostClock, isInFleet: Bool = false
  ) {
    self.data = data
    self.clock = clock
    self.isInFleet = isInFleet
    // A variable that cannot be read falls through to the configuration.
    let usd =
      environment["LOOOP_MAX_DAILY_USD"].flatMap { Double($0.trimmedSpace) }.flatMap { $0.isFinite ? $0 : nil }
      ?? config?.maxDailyUSD ?? (isInFleet ? 0 : Self.defaultUSD)
    cap = max(0, Money.microUSD(usd))
    unmetered = config?.unmeteredUSD.flatMap { $0 > 0 ? max(1, Money.microUSD($0)) : nil }
  }

  package mutating func admit(_ wish: DecideWish) -> DecideVerdict {
    if wish.runner == RunnerKind.rules.rawValue { return .granted(reservation: wish.runID) }
    let now = clock.now
    if !isInFleet, let until = RateLimit.until(data), until > now {
      return .refused(reason: "the provider's limit ends at \(LocalTime(until).clock)", retryAt: until)
    }
    let bound = unmetered ?? UpperBound.microUSD(promptBytes: wish.promptBytes)
    do throws(HostError) {
      try chargeAbandoned()
      if cap > 0 {
        let spent = try self.spent(now)
        guard spent < cap else {
          return .refused(
            reason: "today's budget is spent: $\(Money.text(spent)) of $\(Money.text(cap))", retryAt: Self.nextDay(now))
        }
      }
      try Reservation(runID: wish.runID, runner: wish.runner, model: wish.model, microUSD: bound, ts: now).write(data)
    } catch {
      // Fail closed: without the ledger nobody knows what is left.
      return .refused(reason: "the budget cannot be read or written: \(error)", retryAt: nil)
    }
    return .granted(reservation: wish.runID)
  }

  package mutating func settle(reservation: String, runID: String, usage: RunUsage?) {
    if usage?.runner == RunnerKind.rules.rawValue { return }
    if !isInFleet, let until = usage?.rateLimitedUntil { RateLimit.note(until, runID: runID, data, now: clock.now) }
    // Nothing is reserved where the row was written already: settling twice charges once.
    guard case .value(let held) = Reservation.read(data), held.runID == reservation else { return }
    charge(held, usage)
  }

  /// `{"usd":{"spent","cap","left"},"resets_at"}`; `nil` where there is no cap.
  package func limits() -> JSON? {
    guard cap > 0, let spent = try? spent(clock.now) else { return nil }
    return [
      "usd": ["spent": Money.json(spent), "cap": Money.json(cap), "left": Money.json(max(0, cap - spent))],
      "resets_at": .int(Self.nextDay(clock.now)),
    ]
  }

  /// Today's charges. Rows of tomorrow count too: they were written under a clock that was ahead, and stepping it back must not
  /// give the money back.
  package func spent(_ now: Int64) throws(HostError) -> Int64 {
    let today = LocalTime(now).date
    let tomorrow = LocalTime(now + 86400).date
    var sum: Int64 = 0
    try CostLog(data).recent { row in
      let date = LocalTime(row.ts).date
      if date == today || date == tomorrow { sum += row.microUSD }
    }
    // What live workers have used so far: they become rows when they end.
    return sum.addingReportingOverflow(WorkerCosts.read(data).runningSum).partialValue
  }

  /// The next local midnight.
  package static func nextDay(_ now: Int64) -> Int64 {
    var time = time_t(now)
    var parts = unsafe tm()
    unsafe localtime_r(&time, &parts)
    unsafe parts.tm_mday += 1
    unsafe parts.tm_hour = 0
    unsafe parts.tm_min = 0
    unsafe parts.tm_sec = 0
    unsafe parts.tm_isdst = -1
    return Int64(unsafe mktime(&parts))
  }

  /// A reservation that is still there belongs to a run that never settled: its beat died.
  private mutating func chargeAbandoned() throws(HostError) {
    switch Reservation.read(data) {
    case .none: return
    case .broken(let reason):
      warnings.append("a reservation could not be read and is charged as an unmetered run: \(reason)")
      charge(
        Reservation(
          runID: "unknown", runner: "unknown", model: nil, microUSD: unmetered ?? UpperBound.microUSD(promptBytes: 0),
          ts: clock.now), nil)
    case .value(let held):
      // Written between the row and the removal of the hold, the row is there already.
      var known = false
      try CostLog(data).recent { known = known || ($0.id == held.runID && $0.kind == "tick") }
      if known { Reservation.clear(data) } else { charge(held, nil) }
    }
  }

  private mutating func charge(_ held: Reservation, _ usage: RunUsage?) {
    let charge = RunCharge.of(
      usage, model: held.model, reserved: held.microUSD, on: CivilDate(LocalTime(clock.now)))
    do throws(HostError) {
      if charge.microUSD > 0 {
        try CostLog(data).append(
          CostRow(
            ts: clock.now, kind: "tick", id: held.runID, runner: usage?.runner ?? held.runner,
            microUSD: charge.microUSD, source: charge.source, model: usage?.model ?? held.model,
            session: usage?.session, tokens: usage?.tokens))
      }
      Reservation.clear(data)
    } catch {
      // The hold stays: the next beat tries again, and starts nothing before it has.
      warnings.append("a charge could not be written: \(error)")
    }
  }
}

/// A run that may cost money and has not been settled: `.cost-hold.json`.
private struct Reservation: Hashable, Sendable {
  var runID: String
  var runner: String
  var model: String?
  var microUSD: Int64
  var ts: Int64

  enum Reading {
    case none
    case broken(String)
    case value(Reservation)
  }

  static func read(_ data: DataDir) -> Reading {
    switch StateFile.read(path(data)) {
    case .absent: return .none
    case .unreadable(let error): return .broken(error.description)
    case .corrupt(let reason): return .broken(reason)
    case .value(let json):
      guard let runID = json["run_id"]?.string, let amount = json["micro_usd"]?.int, amount >= 0 else {
        return .broken("a field is missing")
      }
      return .value(
        Reservation(
          runID: runID, runner: json["runner"]?.string ?? "unknown", model: json["model"]?.string, microUSD: amount,
          ts: json["ts"]?.int ?? 0))
    }
  }

  func write(_ data: DataDir) throws(HostError) {
    try StateFile.write(
      [
        "v": 1, "run_id": .string(runID), "runner": .string(runner), "model": .optional(model),
        "micro_usd": .int(microUSD),
        "ts": .int(ts),
      ], to: Self.path(data))
  }

  static func clear(_ data: DataDir) { AtomicFile.remove(path(data)) }

  static func path(_ data: DataDir) -> FilePath { data.root.appending(".cost-hold.json") }
}

/// A provider's «not before»: `.rate-limit.json`, `{"v":1,"until":unix}`. No decide is spent on finding out again.
enum RateLimit {
  /// No provider's window is longer; a later time is a mistake, and must not stop the loop for a year.
  private static let longest: Int64 = 8 * 86400
  private static let jitter = 60

  static func until(_ data: DataDir) -> Int64? { StateFile.read(path(data)).value?["until"]?.int }

  /// Some seconds are added, different ones for each run: accounts that were refused together must not come back together.
  static func note(_ until: Int64, runID: String, _ data: DataDir, now: Int64) {
    guard until > now else { return }
    let spread = runID.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % jitter
    let end = min(until, now + longest) + Int64(spread)
    // Losing it costs one more refused run.
    try? StateFile.write(["v": 1, "until": .int(end)], to: path(data))
  }

  private static func path(_ data: DataDir) -> FilePath { data.root.appending(".rate-limit.json") }
}
