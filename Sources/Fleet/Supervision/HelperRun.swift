import Glibc
import SystemPackage
import Tenant

/// A short process of a tenant that answers with one JSON document. Whatever it prints is a tenant's word: bounded, timed,
/// parsed strictly, and its failure is a value for that tenant alone.
struct HelperRun: Sendable {
  static let deadline = 20.0
  /// A helper that may take longer than this does not take a short one's place.
  static let longDeadline = 30.0

  var spawn: Spawn
  var input: [UInt8]?
  var deadline = HelperRun.deadline
  var maximumOutput = HelperLimits.report
  /// False for verbs whose exit code is the whole answer.
  var expectsDocument = true

  struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    var description: String
    /// What the helper itself said to do about it.
    var hint: String?
    /// The helper's exit code where it had one.
    var code: Int32?

    /// All of it in one line.
    var words: String { hint.map { "\(description) (\($0))" } ?? description }
  }

  /// Runs it on a thread of its own, so that a hung helper of one tenant holds up nobody else.
  func run() async -> Result<JSON, Failure> {
    let outcome = await Threads.run { [self] in
      var bounded = BoundedRun(
        spawn, input: input, deadline: deadline, keepOutput: maximumOutput + 1, keepErrors: 2048)
      bounded.reapGroup = true
      return bounded.run()
    }
    guard outcome.reason.succeeded else {
      // A refusal in a document of its own says more than the exit code.
      if expectsDocument, case .code(1) = outcome.reason, let json = try? JSON(parsing: outcome.output),
        json["ok"]?.bool == false
      {
        return .success(json)
      }
      return .failure(failure(outcome))
    }
    guard outcome.outputCount <= maximumOutput else {
      return .failure(Failure(description: "its answer is larger than \(maximumOutput >> 20) MiB"))
    }
    guard expectsDocument else { return .success(.null) }
    do throws(JSONError) {
      return .success(try JSON(parsing: outcome.output))
    } catch {
      return .failure(Failure(description: "its answer is not JSON: \(error)"))
    }
  }

  private func failure(_ outcome: RunOutcome) -> Failure {
    let said = Self.lastLine(outcome.errors)
    let hint = Self.lastHint(outcome.errors)
    switch outcome.reason {
    case .timedOut: return Failure(description: "no answer within \(Int(deadline)) s", code: 124)
    case .failedToStart(let error): return Failure(description: error.description, code: 127)
    case .signal(let number):
      return Failure(description: "ended by signal \(number)\(said)", hint: hint, code: 128 + number)
    case .code(let code):
      return Failure(
        description: said.isEmpty ? "exit code \(code)" : String(said.dropFirst(2)), hint: hint, code: code)
    }
  }

  /// What it said last on stderr, as `: text`, made fit for one line of status.
  static func lastLine(_ errors: [UInt8]) -> String {
    guard let last = lines(errors).last(where: { !$0.hasPrefix(hintPrefix) }) else { return "" }
    return ": " + short(last, without: ["looop: ", "looop-fleet: "])
  }

  /// What it then said to do, where that was its last line.
  static func lastHint(_ errors: [UInt8]) -> String? {
    guard let last = lines(errors).last, last.hasPrefix(hintPrefix) else { return nil }
    return short(last, without: [hintPrefix])
  }

  private static let hintPrefix = "hint: "

  private static func lines(_ errors: [UInt8]) -> [String] {
    String(decoding: errors, as: UTF8.self).split(whereSeparator: \.isNewline)
      .filter { !$0.allSatisfy(\.isWhitespace) }
      .map { line in
        String(line.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) })
      }
  }

  private static func short(_ line: String, without prefixes: [String]) -> String {
    let text = prefixes.first(where: line.hasPrefix).map { String(line.dropFirst($0.count)) } ?? line
    return text.count > 300 ? text.prefix(300) + "…" : text
  }
}
