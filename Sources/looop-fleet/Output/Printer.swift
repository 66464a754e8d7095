import Fleet
import Glibc
import Tenant

/// The one place that prints. Standard output is the answer, standard error is everything else.
struct Printer: Sendable {
  let paint: Paint
  /// nil: no terminal; then nothing is cut.
  let size: TerminalSize?

  static let standard = Printer(
    paint: Paint(isOn: TerminalSize.wantsColour(STDOUT_FILENO, .current())), size: TerminalSize.of(STDOUT_FILENO))

  /// What a table may take: the terminal's width, or enough for anything where nobody looks.
  var width: Int { size?.columns ?? 200 }

  func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

  func lines(_ lines: [String]) {
    guard !lines.isEmpty else { return }
    write(lines.joined(separator: "\n") + "\n", to: STDOUT_FILENO)
  }

  func raw(_ text: String) { write(text, to: STDOUT_FILENO) }

  /// The same document as on the control socket, laid out for reading.
  func json(_ value: JSON) { line(value.pretty) }

  /// A line of the supervisor's log, as it is.
  func error(_ text: String) { write(text, to: STDERR_FILENO) }

  /// A line of the supervisor's own log.
  func log(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  func note(_ text: String) { write("looop-fleet: \(text)\n", to: STDERR_FILENO) }

  func fail(_ message: String, hint: String?) {
    write("looop-fleet: \(message)\n" + (hint.map { "hint: \($0)\n" } ?? ""), to: STDERR_FILENO)
  }

  private func write(_ text: String, to descriptor: CInt) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      // Nobody reads any more, or the disk is full: there is no better place to say so.
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
