import Glibc
import SystemPackage
import Tenant

/// The log of one session, replayed through a terminal and followed as it grows. The first reading of a long log is done in
/// steps, so that keys are answered meanwhile.
final class WatchLog {
  /// Of a larger log only the end is read.
  static let maximumBytes = 16 << 20
  static let scrollback = 25_000
  static let columns = 80
  static let rows = 24
  private static let step = 256 << 10

  private let path: FilePath
  private var descriptor: CInt = -1
  private var inode: ino_t = 0
  private var offset: off_t = 0
  private(set) var terminal = Terminal(rows: rows, columns: columns, scrollback: scrollback)

  init(_ path: FilePath) { self.path = path }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Reads some more; `true` while there is more to read right now.
  func advance() -> Bool {
    reopenIfReplaced()
    guard descriptor >= 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: Self.step)
    let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, offset) }
    guard count > 0 else { return false }
    offset += off_t(count)
    terminal.feed(Array(buffer[..<count]))
    // Nobody here answers what a program asks its terminal.
    _ = terminal.takeReplies()
    return count == Self.step
  }

  /// The numbers of the lines there are: what scrolled off the screen, then the screen, blank rows at its end left out.
  var lines: Range<Int> {
    let screen = terminal.isAlternate ? terminal.rows : Self.rows - trailingBlankRows
    return terminal.droppedLines..<(terminal.droppedLines + terminal.scrollback.count + screen)
  }

  func line(_ number: Int, columns: Int) -> String {
    let index = number - terminal.droppedLines
    guard index >= 0 else { return "" }
    if index < terminal.scrollback.count { return terminal.ansi(terminal.scrollback[index].prefix(columns)) }
    let row = index - terminal.scrollback.count
    return row < terminal.rows ? terminal.ansi(terminal.grid.row(row).prefix(columns)) : ""
  }

  private var trailingBlankRows: Int {
    var blank = 0
    while blank < terminal.rows, blank < Self.rows - 1 - terminal.cursor.row,
      terminal.grid.row(terminal.rows - 1 - blank).allSatisfy(\.isBlank)
    { blank += 1 }
    return blank
  }

  /// A log that was rotated goes on in a new file: what is on the screen stays. One that shrank begins anew.
  private func reopenIfReplaced() {
    var status = stat()
    guard stat(path.string, &status) == 0 else { return }
    if descriptor >= 0, status.st_ino == inode {
      if status.st_size < offset {
        terminal = Terminal(rows: Self.rows, columns: Self.columns, scrollback: Self.scrollback)
        offset = 0
      }
      return
    }
    let opened = open(path.string, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard opened >= 0, fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      if opened >= 0 { close(opened) }
      return
    }
    if descriptor >= 0 { close(descriptor) }
    offset = descriptor < 0 ? max(0, status.st_size - off_t(Self.maximumBytes)) : 0
    descriptor = opened
    inode = status.st_ino
  }
}
