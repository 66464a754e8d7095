import Glibc
import Tenant

enum LogFormat: String { case human, json }

/// The only place of `looop` that prints. stdout is the answer, stderr is everything else.
struct Printer: Sendable {
  let format: LogFormat
  /// Decided once, from this process's own stdout; never inherited.
  let colour: Bool
  let isTerminal: Bool

  init(format: LogFormat, environment: HostEnvironment) {
    self.format = format
    isTerminal = isatty(STDOUT_FILENO) == 1
    // `NO_COLOR=` (empty) does not count, as for every variable here.
    colour = isTerminal && environment["NO_COLOR"] == nil && format == .human
  }

  func line(_ text: String) { write(text + "\n") }

  func write(_ text: String) { Self.send(Array(text.utf8), to: STDOUT_FILENO) }

  /// Compact JSON and a newline.
  func compact(_ value: JSON) { line(value.compact) }

  /// Pretty JSON and a newline.
  func json(_ value: JSON) { json { $0.write(value) } }

  /// The same for what writes itself.
  func json(_ body: (inout JSONWriter) -> Void) {
    var writer = JSONWriter(pretty: true)
    body(&writer)
    Self.send(writer.bytes + [0x0A], to: STDOUT_FILENO)
  }

  func error(_ text: String) { Self.send(Array((text + "\n").utf8), to: STDERR_FILENO) }

  func failure(_ failure: Failure) {
    // A cause that passed through a relay has the prefix already.
    let cause = failure.cause.hasPrefix("looop: ") ? failure.cause : "looop: \(failure.cause)"
    error(failure.hint.map { "\(cause)\nhint: \($0)" } ?? cause)
  }

  func warn(_ code: String, _ message: String) {
    error(format == .json ? logLine(.warn, code, message, [:]) : "looop: \(message)")
  }

  /// One log line on stdout: `[HH:MM:SS] message`, or one JSON object in JSON log mode.
  func event(_ level: Notice.Level, _ code: String, _ message: String, _ fields: [String: JSON] = [:]) {
    line(logLine(level, code, message, fields))
  }

  /// A warning of something that went wrong beside the point goes to stderr: stdout is the answer.
  func notice(_ notice: Notice) {
    switch notice.level {
    case .warn, .error: error(logLine(notice.level, notice.code, notice.message, notice.fields))
    case .info, .step, .ok: event(notice.level, notice.code, notice.message, notice.fields)
    }
  }

  func logLine(_ level: Notice.Level, _ code: String, _ message: String, _ fields: [String: JSON]) -> String {
    let now = HostClock.system.now
    switch format {
    case .human:
      return "[\(LocalTime(now).clockSeconds)] \(message)"
    case .json:
      // The caller's fields never override these four.
      let fixed: [String: JSON] = [
        "ts": .string(LocalTime.utc(now).rfc3339), "level": .string(level.rawValue), "event": .string(code),
        "msg": .string(message),
      ]
      return JSON.object(fields.merging(fixed) { _, ours in ours }).compact
    }
  }

  /// Columns of the terminal: 100 where there is none, never under 40.
  var width: Int {
    var size = winsize()
    guard isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
    return max(40, Int(size.ws_col))
  }

  func styled(_ text: String, _ style: Style) -> String {
    colour ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  enum Style: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"
  }

  private static func send(_ bytes: [UInt8], to descriptor: CInt) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      // A reader that is gone ends us by SIGPIPE, or, where that is ignored (the pulse), is no reason to die.
      if count < 0, errno != EINTR, errno != EAGAIN { return }
      if count > 0 { rest = rest.dropFirst(count) }
    }
  }
}
