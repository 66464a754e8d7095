import Fleet
import Glibc

/// A screen that is repainted in place, on the terminal's second page, and leaves the first one as it was.
struct LiveScreen {
  private static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J"
  private static let leave = "\u{1B}[?25h\u{1B}[?1049l"

  /// Where the output is no terminal each screen follows the last, so that a log of them can be read.
  let isTerminal: Bool

  init() {
    isTerminal = TerminalSize.of(STDOUT_FILENO) != nil
    guard isTerminal else { return }
    Printer.standard.raw(Self.enter)
    LiveScreen.restoreOnSignals()
  }

  var size: TerminalSize { TerminalSize.of(STDOUT_FILENO) ?? TerminalSize(columns: 120, rows: 1000) }

  func paint(_ lines: [String]) {
    guard isTerminal else {
      Printer.standard.lines(lines + [""])
      return
    }
    // Written over, not cleared first: no flicker. The rest of each line and of the screen is erased after it.
    let text = lines.prefix(size.rows).joined(separator: "\u{1B}[K\r\n")
    Printer.standard.raw("\u{1B}[H" + text + "\u{1B}[K\u{1B}[J")
  }

  func close() {
    if isTerminal { Printer.standard.raw(Self.leave) }
  }

  /// The handler is a function of its own, not of the main actor: a signal comes on any thread.
  nonisolated private static func restoreOnSignals() {
    for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, leaveAndExit) }
  }
}

/// Only what is safe in a signal handler: one write, then the end.
nonisolated private func leaveAndExit(_ number: CInt) {
  let text: StaticString = "\u{1B}[?25h\u{1B}[?1049l"
  _ = write(STDOUT_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  _exit(0)
}
