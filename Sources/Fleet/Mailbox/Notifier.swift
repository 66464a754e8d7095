package import SystemPackage
package import Tenant

/// What the telling has come to.
package struct NotifierReport: Hashable, Sendable {
  /// Asks whose due notice nobody has acknowledged, over all channels.
  package var undelivered: Int
  /// Why the last attempt failed, where one did.
  package var lastError: String?
  /// When ``Notifier/pass(_:)`` wants to be called again though nothing changed.
  package var nextDue: Int64?

  package init(undelivered: Int, lastError: String?, nextDue: Int64?) {
    self.undelivered = undelivered
    self.lastError = lastError
    self.nextDue = nextDue
  }

  package static let idle = NotifierReport(undelivered: 0, lastError: nil, nextDue: nil)
}

/// Tells the world outside about asks: at least once each, with reminders, over restarts. Its states are one small file, written after
/// the attempts they tell of, so that a crash in between repeats a notice and never swallows one.
package actor Notifier {
  private let channels: [NoticeChannel]
  private let schedule: DeliverySchedule
  private let file: FilePath
  private let clock: HostClock
  /// By channel and ask.
  private var states: [String: [String: DeliveryState]] = [:]
  private var isLoaded = false
  private var isPassing = false
  private var report = NotifierReport.idle

  package init(channels: [NoticeChannel], schedule: DeliverySchedule, file: FilePath, clock: HostClock = .system) {
    self.channels = channels
    self.schedule = schedule
    self.file = file
    self.clock = clock
  }

  /// Does what is due now. A call while one is under way comes back at once with what is known; the one under way sees the rest.
  @discardableResult
  package func pass(_ asks: [MailboxAsk]) async -> NotifierReport {
    guard !channels.isEmpty, !isPassing else { return report }
    isPassing = true
    defer { isPassing = false }
    if !isLoaded { load() }
    let before = states
    for channel in channels {
      var known = schedule.pruned(states[channel.name] ?? [:], asks: asks)
      for (notice, failure) in await attempt(schedule.due(asks, known, now: clock.now), through: channel) {
        schedule.attempted(notice, failure: failure, in: &known, now: clock.now)
      }
      states[channel.name] = known
    }
    if states != before { save() }
    summarize(asks)
    return report
  }

  /// All at once: one slow receiver of twenty notices must not take twenty times its time.
  private func attempt(_ notices: [Notice], through channel: NoticeChannel) async -> [(Notice, String?)] {
    await withTaskGroup(of: (Notice, String?).self) { group in
      for notice in notices { group.addTask { (notice, await channel.deliver(notice)) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }

  private func summarize(_ asks: [MailboxAsk]) {
    let now = clock.now
    var undelivered = 0
    var error: String?
    var next: Int64?
    for channel in channels {
      let known = states[channel.name] ?? [:]
      undelivered = max(undelivered, schedule.undelivered(asks, known, now: now))
      error =
        error
        ?? known.values.filter { $0.failures > 0 }.max { ($0.lastAttempt ?? 0) < ($1.lastAttempt ?? 0) }?.lastError
      let due = schedule.nextDue(asks, known, now: now)
      next = [next, due].compactMap { $0 }.min()
    }
    report = NotifierReport(undelivered: undelivered, lastError: error, nextDue: next)
  }

  private func load() {
    isLoaded = true
    switch StateFile.read(file) {
    case .absent: break
    case .value(let json):
      for (channel, entries) in json["channels"]?.object ?? [:] {
        states[channel] = (entries.object ?? [:]).compactMapValues(DeliveryState.init(json:))
      }
    case .corrupt, .unreadable:
      // Kept for who wants to look. Whatever stands in the mailbox is told once more, which is what at least once means.
      _ = AtomicFile.rename(from: file, to: FilePath(file.string + ".corrupt"))
    }
  }

  private func save() {
    let channels = states.mapValues { JSON.object($0.mapValues(\.json)) }
    do throws(HostError) {
      try StateFile.write(["v": 1, "channels": .object(channels)], to: file, mode: 0o600)
    } catch {
      // Told again after a restart; until then the states in memory count.
      report.lastError = error.description
    }
  }
}
