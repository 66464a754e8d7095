import CLinux
import Glibc
package import SystemPackage

/// An append-only text file that rolls to one older generation: one `write` a line, so that writers may share it.
package struct AppendLog: Sendable {
  package let path: FilePath
  /// 0 = never rolls.
  package let maximumBytes: Int

  package init(_ path: FilePath, maximumBytes: Int) {
    self.path = path
    self.maximumBytes = maximumBytes
  }

  package func append(_ line: String) throws(HostError) {
    try rollIfNeeded()
    let file = try OwnedDescriptor(opening: path, O_RDWR | O_APPEND | O_CREAT, mode: 0o644, operation: "append to")
    // A line that a crash or a full disk cut off must not swallow this one: a charge would be lost with it.
    let begin = Self.isTorn(file) ? "\n" : ""
    try file.writeAll(Array((begin + line + "\n").utf8), path)
    try file.closeChecked(path)
  }

  private static func isTorn(_ file: borrowing OwnedDescriptor) -> Bool {
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0, status.st_size > 0 else { return false }
    var last: UInt8 = 0x0A
    guard unsafe pread(file.raw, &last, 1, status.st_size - 1) == 1 else { return false }
    return last != 0x0A
  }

  private func rollIfNeeded() throws(HostError) {
    guard maximumBytes > 0, size > maximumBytes else { return }
    let name = path.lastComponent?.string ?? "log"
    let lockPath = path.removingLastComponent().appending(".\(name).rotlock")
    // Somebody else is rolling it now: append to whichever file is there.
    guard let lock = try FileLock.tryTaking(lockPath) else { return }
    if size > maximumBytes { _ = AtomicFile.rename(from: path, to: FilePath(path.string + ".1")) }
    _ = consume lock
  }

  private var size: Int {
    var status = stat()
    return unsafe path.withPlatformString { unsafe stat($0, &status) } == 0 ? Int(status.st_size) : 0
  }
}
