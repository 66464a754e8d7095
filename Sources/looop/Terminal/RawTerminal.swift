import Glibc
import Tenant

/// The terminal with its line editing off, put back as it was when this value goes.
final class RawTerminal {
  private let before: termios
  private var parser = KeyParser()
  private var queue: [Key] = []
  private var modes: [String] = []

  /// `nil` where there is no terminal that can be switched.
  init?() {
    var settings = termios()
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 else {
      return nil
    }
    before = settings
    cfmakeraw(&settings)
    // Output keeps its newlines: only input is raw.
    settings.c_oflag |= tcflag_t(OPOST)
    guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) == 0 else { return nil }
  }

  deinit { restore() }

  func restore() {
    for mode in modes.reversed() { put("\u{1B}[?\(mode)l") }
    modes = []
    var settings = before
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
  }

  /// Switches a private mode on until the end: `1049` the alternate screen, `1002` and `1006` the mouse.
  func enable(_ mode: String) {
    put("\u{1B}[?\(mode)h")
    modes.append(mode)
  }

  func put(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR, errno != EAGAIN { return }
    }
  }

  /// The next key; `nil` when none came in time, `.control("d")` at the end of the input.
  func key(milliseconds: Int) -> Key? {
    if !queue.isEmpty { return queue.removeFirst() }
    var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    let patience = parser.isWaiting ? min(50, milliseconds < 0 ? 50 : milliseconds) : milliseconds
    guard poll(&entry, 1, CInt(clamping: patience)) > 0 else {
      queue += parser.flush()
      return queue.isEmpty ? nil : queue.removeFirst()
    }
    var buffer = [UInt8](repeating: 0, count: 1024)
    let count = buffer.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { return nil }
    guard count > 0 else { return .control("d") }
    queue += parser.feed(buffer[..<count])
    return queue.isEmpty ? key(milliseconds: patience) : queue.removeFirst()
  }

  /// Waits for a key.
  func nextKey() -> Key {
    while true {
      if let key = key(milliseconds: -1) { return key }
    }
  }

  var size: (rows: Int, columns: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (24, 80) }
    return (Int(size.ws_row), Int(size.ws_col))
  }
}
