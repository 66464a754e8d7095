import CLinux

/// Whether a session's last question to its model has its answer on record. A runner that is killed in between leaves a call of which
/// nobody knows the price; money must be held for that one.
///
/// Told by marks in the transcript's raw lines, in the order in which they come: whole conversations need not be parsed for it.
struct OpenCall: Sendable {
  /// The sure marks are a runner's own line for the thing. Where a transcript has one, the others of its side say nothing more: a
  /// user's line, say, may never have been sent.
  struct Marks: Sendable {
    let asked: [[UInt8]]
    let surelyAsked: [[UInt8]]
    let answered: [[UInt8]]
    let surelyAnswered: [[UInt8]]

    init(asked: [String], surelyAsked: [String] = [], answered: [String], surelyAnswered: [String] = []) {
      self.asked = asked.map { Array($0.utf8) }
      self.surelyAsked = surelyAsked.map { Array($0.utf8) }
      self.answered = answered.map { Array($0.utf8) }
      self.surelyAnswered = surelyAnswered.map { Array($0.utf8) }
    }
  }

  private let marks: Marks
  private(set) var isOpen = false
  private var knowsAsked = false
  private var knowsAnswered = false

  init(_ marks: Marks) { self.marks = marks }

  mutating func take(_ line: [UInt8]) {
    func holds(_ any: [[UInt8]]) -> Bool { any.contains { line.holds($0) } }
    if holds(marks.surelyAsked) {
      (isOpen, knowsAsked) = (true, true)
    } else if holds(marks.surelyAnswered) {
      (isOpen, knowsAnswered) = (false, true)
    } else if holds(marks.asked) {
      // First, since what a tool brought back may quote an answer.
      if !knowsAsked { isOpen = true }
    } else if !knowsAnswered, holds(marks.answered) {
      isOpen = false
    }
  }
}

extension Transcript {
  /// An answer that is longer than most.
  package static let longAnswer: Int64 = 8_000

  /// What the call that the session died in may have used: all that was sent with the one before it, that one's answer, and a long
  /// answer of its own. Nil where every call was answered, and where there was none before.
  package var unanswered: (tokens: ChargedTokens, model: String?, after: String)? {
    guard isOpen, let last = events.last else { return nil }
    var tokens = ChargedTokens(last)
    tokens.input = tokens.input.saturatingSum(tokens.output)
    tokens.output = tokens.output.saturatingSum(Self.longAnswer)
    return (tokens, last.model, last.id)
  }
}

extension [UInt8] {
  func holds(_ needle: [UInt8]) -> Bool {
    unsafe withUnsafeBytes { bytes in
      unsafe needle.withUnsafeBytes { needle in
        unsafe clinux_contains(bytes.baseAddress, bytes.count, needle.baseAddress, needle.count) != 0
      }
    }
  }
}
