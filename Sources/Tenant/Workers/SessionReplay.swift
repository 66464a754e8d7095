import Glibc
import SystemPackage

/// Replays a session's log through a terminal: the screen as it is now, or as it last was.
package enum SessionReplay {
  /// Of a longer log (looop 1.0 has no cap) only the end is read.
  package static let maximumBytes = 64 << 20

  /// Throws ``Refusal`` `notFound` where there is no such session.
  package static func terminal(
    _ id: String, in data: DataDir, rows: Int = 24, columns: Int = 80, scrollback: Int = 0
  ) throws -> Terminal {
    guard Sessions.find(id, in: data) != nil else {
      throw Refusal(.notFound, "no such session: \(id)", hint: "looop worker list --all shows all")
    }
    var terminal = Terminal(rows: rows, columns: columns, scrollback: scrollback)
    let log = data.session(id).appending("output.log")
    // Scrollback reaches into the older generation; the screen alone does not need it.
    if scrollback > 0 { try? feed(FilePath(log.string + ".1"), &terminal) }
    try feed(log, &terminal)
    return terminal
  }

  package static func screenshot(
    _ id: String, in data: DataDir, _ format: ScreenshotFormat = .plain, trim: Bool = true
  ) throws -> String {
    try terminal(id, in: data).screenshot(format, trim: trim)
  }

  private static func feed(_ path: FilePath, _ terminal: inout Terminal) throws(HostError) {
    let file: OwnedDescriptor
    do throws(HostError) {
      file = try OwnedDescriptor(opening: path, O_RDONLY, operation: "read")
    } catch {
      // A session that has not printed yet.
      if error.isAbsent { return }
      throw error
    }
    let end = lseek(file.raw, 0, SEEK_END)
    _ = lseek(file.raw, max(0, end - maximumBytes), SEEK_SET)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    defer { unsafe buffer.deallocate() }
    while true {
      let count = unsafe read(file.raw, buffer.baseAddress!, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .last("read", path) }
      if count == 0 { break }
      unsafe terminal.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
    _ = terminal.takeReplies()
  }
}
