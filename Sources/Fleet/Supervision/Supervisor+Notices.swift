import Logging
import SystemPackage
import Tenant

/// How the telling of asks stands: one pass at a time, and another one after it where something changed meanwhile.
struct Delivery: Sendable {
  var report = NotifierReport.idle
  var isRunning = false
  var isStale = false
}

/// Asks go out to the hook and the webhook of the configuration, at least once each, with reminders. What nobody has taken is
/// counted, in `/metrics` and as a guard that `status` and `doctor` show; it is in the mailbox all the same.
extension Supervisor {
  func deliverAsks() {
    guard !stopping, !draining else { return }
    guard !delivery.isRunning else {
      delivery.isStale = true
      return
    }
    guard let notifier = notifier() else {
      delivery.report = .idle
      return
    }
    delivery.isRunning = true
    delivery.isStale = false
    begin { fleet in
      let report = await notifier.pass(await fleet.asks())
      fleet.delivered(report)
    }
  }

  private func delivered(_ report: NotifierReport) {
    delivery.isRunning = false
    if let error = report.lastError, error != delivery.report.lastError {
      say("\(Self.undelivered(report.undelivered)): \(error)", level: .warning)
    } else if report.undelivered == 0, delivery.report.undelivered > 0 {
      say("every ask is delivered")
    }
    delivery.report = report
    if delivery.isStale { deliverAsks() }
  }

  private func notifier() -> Notifier? {
    let hooks = fleet.hooks
    if let notices, notices.hooks == hooks { return notices.notifier }
    var channels: [NoticeChannel] = []
    if !hooks.ask.isEmpty { channels.append(.command(hooks.ask, environment: environment)) }
    if let url = hooks.webhook { channels.append(.webhook(url)) }
    guard !channels.isEmpty else {
      notices = nil
      return nil
    }
    let made = Notifier(
      channels: channels, schedule: DeliverySchedule(reminders: hooks.reminders.map(\.components.seconds)),
      file: paths.state.appending("notices.json"), clock: clock)
    notices = (hooks, made)
    return made
  }

  /// Nil where no hook is configured.
  var deliveryGuard: FleetDocument.Guard? {
    guard notices != nil else { return nil }
    let left = delivery.report.undelivered
    let why = delivery.report.lastError.map { ": \($0)" } ?? ""
    return FleetDocument.Guard(
      name: "delivery", enforced: left == 0 || delivery.report.lastError == nil,
      detail: left == 0 ? "every ask was taken by the hooks" : "\(Self.undelivered(left))\(why)",
      hint: "see `hooks:` in fleet.yaml; the asks are in the mailbox, and are told again")
  }

  private static func undelivered(_ count: Int) -> String {
    count == 1 ? "1 ask is not delivered" : "\(count) asks are not delivered"
  }
}
