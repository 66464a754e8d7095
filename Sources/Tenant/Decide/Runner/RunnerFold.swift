/// One runner's event stream as a pure fold: events in, and at any moment the answer, the failure and the figures so far.
protocol RunnerFold: Sendable {
  /// What is shown of the event; empty for most.
  mutating func take(_ event: JSON) -> [String]
  /// The run's final answer so far: the text that holds the move.
  var answer: String? { get }
  /// The stream itself says that the run failed, whatever the exit code says.
  var failure: String? { get }
  /// The runner's terminal event was seen.
  var complete: Bool { get }
  var model: String? { get }
  /// What each session of the run counted, in the order of their coming; totals are the session's, not the run's.
  var sessions: [SessionFigures] { get }
  var rateLimitedUntil: Int64? { get }
  /// A model did something, also where no figure came of it.
  var worked: Bool { get }
}

extension RunnerFold {
  /// Most tell what they used as they go.
  var worked: Bool { false }
}

/// The running total of one session. Absent is not zero.
package struct SessionFigures: Hashable, Sendable {
  package var session: String
  package var tokens: TokenCount?
  package var microUSD: Int64?

  package init(session: String, tokens: TokenCount? = nil, microUSD: Int64? = nil) {
    self.session = session
    self.tokens = tokens
    self.microUSD = microUSD
  }
}

enum Figures {
  /// No runner reports more for one run; a larger number is a broken stream, and must not overflow a sum.
  static let maximum: Int64 = 1_000_000_000_000

  static func count(_ json: JSON?) -> Int64? {
    guard let value = json?.double, value.isFinite else { return nil }
    return Int64(max(0, min(value, Double(maximum))))
  }

  static func microUSD(_ json: JSON?) -> Int64? {
    guard let value = json?.double, value.isFinite else { return nil }
    return Int64((max(0, min(value, Double(maximum) / 1e6)) * 1e6).rounded())
  }

  /// The larger of each bucket: for totals that only grow, and that a stream may repeat.
  static func larger(_ a: TokenCount, _ b: TokenCount) -> TokenCount {
    TokenCount(
      input: max(a.input, b.input), cacheRead: max(a.cacheRead, b.cacheRead),
      cacheWrite: max(a.cacheWrite, b.cacheWrite), output: max(a.output, b.output))
  }
}

/// How an event is shown in a log: whole lines, each bounded, with nothing that could move a terminal's cursor.
enum Rendering {
  static let maximumCharacters = 2000

  static func lines(_ text: String, prefix: String = "") -> [String] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      line.allSatisfy(\.isWhitespace) ? nil : prefix + clip(String(line), maximumCharacters)
    }
  }

  static func line(_ text: String) -> String {
    clip(text.split(whereSeparator: \.isNewline).joined(separator: " "), maximumCharacters)
  }

  /// At most `count` characters, with an ellipsis where something is missing.
  static func clip(_ text: String, _ count: Int) -> String {
    // Walking to the cut is linear in the cut, not in the text.
    guard let end = text.index(text.startIndex, offsetBy: count, limitedBy: text.endIndex), end < text.endIndex else {
      return text
    }
    return text[..<end] + "…"
  }

  /// `name(short arguments)`
  static func tool(_ name: String, _ input: JSON?) -> String {
    guard let input, !input.isNull else { return "▸ \(name)" }
    let detail = input["command"]?.string ?? input["file_path"]?.string ?? input["path"]?.string ?? input.compact
    return "▸ \(name) \(clip(line(detail), 300))"
  }

  /// `$0.0421`
  static func usd(_ microUSD: Int64) -> String { "$" + Money.text(microUSD) }
}
