/// The action log, one line a move: `- YYYY-MM-DD HH:MM <text>` in local time.
package struct Journal: Sendable {
  private let log: AppendLog

  package static let defaultMaximumBytes = 5_242_880

  package init(_ data: DataDir, maximumBytes: Int = Self.defaultMaximumBytes) {
    log = AppendLog(data.journal, maximumBytes: maximumBytes)
  }

  package func append(_ text: String, now: Int64) throws(HostError) {
    let time = LocalTime(now)
    try log.append("- \(time.date) \(time.clock) \(Self.oneLine(text))")
  }

  /// A line break inside an entry would make two entries of it.
  package static func oneLine(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
  }

  /// The last lines, oldest first. An unreadable journal has none: it is for reading, nothing is decided on it.
  package static func tail(_ data: DataDir, lines: Int) -> [String] {
    guard let text = FileReading.of(data.journal).text else { return [] }
    return text.split(separator: "\n", omittingEmptySubsequences: true).suffix(lines).map(String.init)
  }
}
