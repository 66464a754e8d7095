package import Tenant

/// Tells somebody outside about one ask: the first time, or as a reminder.
package struct Notice: Hashable, Sendable {
  package var ask: MailboxAsk
  /// 0 is the first notice, n the nth reminder.
  package var number: Int

  package init(ask: MailboxAsk, number: Int) {
    self.ask = ask
    self.number = number
  }

  /// The same for each attempt at the same notice, so that who gets it twice can tell.
  package var key: String { "\(ask.id)@\(ask.at)#\(number)" }

  /// *Shape*: the ask as in `asks --json`, with `event` (`ask` or `reminder`), `reminder` (its number) and `key`.
  package var json: JSON {
    var json = ask.json
    json["event"] = number == 0 ? "ask" : "reminder"
    json["reminder"] = .int(Int64(number))
    json["key"] = .string(key)
    return json
  }
}

/// How far the telling of one ask has come, through one channel.
package struct DeliveryState: Hashable, Sendable {
  /// The ask's own time: another ask under the same id starts anew.
  package var askAt: Int64
  /// How many notices were acknowledged, the first one included.
  package var acknowledged: Int
  /// Failed attempts since the last acknowledgement.
  package var failures: Int
  package var lastAttempt: Int64?
  package var lastError: String?

  package init(
    askAt: Int64, acknowledged: Int = 0, failures: Int = 0, lastAttempt: Int64? = nil, lastError: String? = nil
  ) {
    self.askAt = askAt
    self.acknowledged = acknowledged
    self.failures = failures
    self.lastAttempt = lastAttempt
    self.lastError = lastError
  }

  package var json: JSON {
    [
      "ask_at": .int(askAt), "acknowledged": .int(Int64(acknowledged)), "failures": .int(Int64(failures)),
      "last_attempt": .optional(lastAttempt), "last_error": .optional(lastError),
    ]
  }

  package init?(json: JSON) {
    guard let askAt = json["ask_at"]?.int, let acknowledged = json["acknowledged"]?.int else { return nil }
    self.init(
      askAt: askAt, acknowledged: Int(acknowledged), failures: Int(json["failures"]?.int ?? 0),
      lastAttempt: json["last_attempt"]?.int, lastError: json["last_error"]?.string)
  }
}

/// When which ask is told about again. Pure: asks and states in, notices out. At least once: only an acknowledgement moves a state
/// on, and a failed attempt is made again, ever more slowly, for as long as the ask stands.
package struct DeliverySchedule: Hashable, Sendable {
  /// Ages in seconds at which an unanswered ask is told about again, ascending.
  package let reminders: [Int64]

  /// Between attempts: 5 s, 10 s, … to an hour.
  static let firstRetry: Int64 = 5
  static let longestRetry: Int64 = 3600
  /// One pass tells this many; the rest comes with the next. A flood of asks must not become a flood of processes.
  package static let mostAtOnce = 20

  package init(reminders: [Int64] = []) { self.reminders = reminders.filter { $0 > 0 }.sorted() }

  /// The notice that this ask should have had by now. Reminders that were slept through are not made up for: the latest counts.
  func wanted(_ ask: MailboxAsk, now: Int64) -> Int { reminders.count { now - ask.at >= $0 } }

  static func retryDelay(failures: Int) -> Int64 {
    min(longestRetry, firstRetry << Int64(min(max(0, failures - 1), 12)))
  }

  /// Oldest first, at most ``mostAtOnce``.
  package func due(_ asks: [MailboxAsk], _ states: [String: DeliveryState], now: Int64) -> [Notice] {
    Array(
      asks.lazy.compactMap { ask -> Notice? in
        let number = wanted(ask, now: now)
        guard let state = current(ask, states) else { return Notice(ask: ask, number: number) }
        guard state.acknowledged <= number, retryAt(state) <= now else { return nil }
        return Notice(ask: ask, number: number)
      }.prefix(Self.mostAtOnce))
  }

  /// Asks whose due notice nobody has acknowledged: the count that `status` and `/metrics` show.
  package func undelivered(_ asks: [MailboxAsk], _ states: [String: DeliveryState], now: Int64) -> Int {
    asks.count { ask in (current(ask, states)?.acknowledged ?? 0) <= wanted(ask, now: now) }
  }

  /// When the next pass is needed without any change of the mailbox; nil: not before one.
  package func nextDue(_ asks: [MailboxAsk], _ states: [String: DeliveryState], now: Int64) -> Int64? {
    asks.compactMap { ask -> Int64? in
      guard let state = current(ask, states) else { return now }
      let number = wanted(ask, now: now)
      if state.acknowledged <= number { return max(now, retryAt(state)) }
      return number < reminders.count ? ask.at + reminders[number] : nil
    }.min()
  }

  /// The states after an attempt. `failure` nil is an acknowledgement.
  package func attempted(
    _ notice: Notice, failure: String?, in states: inout [String: DeliveryState], now: Int64
  ) {
    var state = current(notice.ask, states) ?? DeliveryState(askAt: notice.ask.at)
    state.lastAttempt = now
    state.lastError = failure
    if failure == nil {
      state.acknowledged = notice.number + 1
      state.failures = 0
    } else {
      state.failures += 1
    }
    states[notice.ask.id] = state
  }

  /// Forgets what is answered or gone.
  package func pruned(_ states: [String: DeliveryState], asks: [MailboxAsk]) -> [String: DeliveryState] {
    let standing = Dictionary(asks.map { ($0.id, $0.at) }, uniquingKeysWith: { first, _ in first })
    return states.filter { standing[$0.key] == $0.value.askAt }
  }

  private func current(_ ask: MailboxAsk, _ states: [String: DeliveryState]) -> DeliveryState? {
    states[ask.id].flatMap { $0.askAt == ask.at ? $0 : nil }
  }

  private func retryAt(_ state: DeliveryState) -> Int64 {
    guard state.failures > 0, let last = state.lastAttempt else { return .min }
    return last + Self.retryDelay(failures: state.failures)
  }
}
