/// One tenant's use of the machine from look to look. A group that was removed and made again counts from zero: what it had counted
/// before stays in the sum. Pure.
struct UseMeter: Hashable, Sendable {
  /// nil where the last look found no group.
  private(set) var use: TenantUse?
  private var total = 0.0
  private var last: Look?

  private struct Look: Hashable, Sendable {
    var counted: Double
    var at: Double
  }

  /// Less than this share of a processor is rest.
  static let rest = 1.0

  /// Something is going on, or was at the last look but one: it is looked at again soon, so that nobody reads an old figure for long.
  var isRestless: Bool { use.map { $0.cpuPercent.map { $0 >= Self.rest } ?? true } ?? false }

  /// - `now`: monotonic seconds.
  mutating func look(_ seen: ControlGroupUsage?, at now: Double) {
    guard let seen else {
      (use, last) = (nil, nil)
      return
    }
    let before = last.flatMap { $0.counted <= seen.cpuSeconds ? $0 : nil }
    let used = seen.cpuSeconds - (before?.counted ?? 0)
    total += used
    let percent = before.flatMap { before -> Double? in
      now > before.at ? (used / (now - before.at) * 1000).rounded() / 10 : nil
    }
    last = Look(counted: seen.cpuSeconds, at: now)
    use = TenantUse(cpuSeconds: total, cpuPercent: percent, memoryBytes: seen.memoryBytes, processes: seen.processes)
  }
}
