import Glibc
import SystemPackage

/// `output.log`: the terminal's raw bytes, capped. When it is full it becomes `output.log.1`, and the new one begins with
/// what paints the screen as it then was, so that a replay of `output.log` alone is always right.
struct SessionLog: ~Copyable {
  private var file: OwnedDescriptor
  private let path: FilePath
  private var size: Int
  private(set) var terminal: Terminal
  private var unsent: [UInt8] = []

  /// One generation; two are kept.
  static let maximumBytes = 8 << 20
  /// Answers of the terminal that nobody reads are dropped.
  private static let maximumUnsent = 4096

  init(_ path: FilePath, rows: Int, columns: Int) throws {
    file = try OwnedDescriptor(opening: path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o644, operation: "create")
    self.path = path
    size = 0
    terminal = Terminal(rows: rows, columns: columns)
  }

  private init(_ file: consuming OwnedDescriptor, _ path: FilePath, _ terminal: Terminal) {
    self.file = file
    self.path = path
    size = 0
    self.terminal = terminal
  }

  /// The same log after its directory was renamed.
  consuming func moved(to path: FilePath) -> SessionLog { SessionLog(file, path, terminal) }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    // A full disk drops what does not fit: the worker goes on, and the screen stays right.
    let written = unsafe write(file.raw, bytes.baseAddress, bytes.count)
    if written > 0 { size += written }
    unsafe terminal.feed(bytes)
    if size >= Self.maximumBytes, terminal.isAtRest || size >= 2 * Self.maximumBytes { rotate() }
  }

  private mutating func rotate() {
    let fresh = FilePath(path.string + ".new")
    let old = FilePath(path.string + ".1")
    AtomicFile.remove(fresh)
    let prefix = terminal.restoreSequence()
    // Without a new file the old one grows on: better a long log than none.
    guard let next = try? OwnedDescriptor(opening: fresh, O_WRONLY | O_APPEND | O_CREAT, mode: 0o644),
      (try? next.writeAll(prefix, fresh)) != nil
    else {
      size = 0
      return
    }
    AtomicFile.remove(old)
    // Linked first: at no moment is there no `output.log`.
    _ = unsafe path.withPlatformString { from in unsafe old.withPlatformString { to in unsafe link(from, to) } }
    _ = AtomicFile.rename(from: fresh, to: path)
    file = next
    size = prefix.count
  }

  // MARK: What the terminal answers

  var hasReplies: Bool { !unsent.isEmpty }

  mutating func takeReplies() -> [UInt8]? {
    unsent += terminal.takeReplies()
    if unsent.isEmpty { return nil }
    defer { unsent = [] }
    return unsent.count <= Self.maximumUnsent ? unsent : []
  }

  mutating func giveBack(_ bytes: [UInt8]) { unsent = bytes }

  /// The last bytes of what is kept.
  func tail(maximumBytes: Int) -> String {
    guard let reader = try? OwnedDescriptor(opening: path, O_RDONLY) else { return "" }
    var buffer = [UInt8](repeating: 0, count: maximumBytes)
    let end = lseek(reader.raw, 0, SEEK_END)
    _ = lseek(reader.raw, max(0, end - maximumBytes), SEEK_SET)
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(reader.raw, $0.baseAddress, $0.count) }
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }
}
