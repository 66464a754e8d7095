import Glibc
import Logging
import Tenant

/// The supervisor's log on stderr: one line an event, for people and for journald, which adds the time itself.
struct FleetLog: LogHandler {
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]
  private let addsTime = getenv("JOURNAL_STREAM") == nil

  init(label: String) {}

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    // Other people's libraries speak only when something is wrong.
    guard event.source == "Fleet" || event.level >= .warning else { return }
    let time = addsTime ? LocalTime(HostClock.system.now).clockSeconds + " " : ""
    let level = event.level >= .warning ? "\(event.level): " : ""
    Printer.standard.log("\(time)\(level)\(event.message)")
  }
}
