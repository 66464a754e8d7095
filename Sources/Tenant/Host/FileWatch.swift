import CLinux
import Glibc
package import SystemPackage

/// Notices changes of files without polling (inotify). What a change means is the caller's: it looks again.
package struct FileWatch: ~Copyable, Sendable {
  package let descriptor: OwnedDescriptor

  /// A file of the directory appeared, was replaced, was written and closed, or went away.
  package static let changes = UInt32(
    IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

  package init() throws(HostError) { descriptor = OwnedDescriptor(owning: try Self.open()) }

  /// A new instance that the caller owns.
  package static func open() throws(HostError) -> CInt {
    let raw = inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK))
    guard raw >= 0 else { throw .last("watch files") }
    return raw
  }

  package init(owning descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

  /// Adds a directory or file; the answer is the watch's number in the events.
  @discardableResult
  package borrowing func add(_ path: FilePath, mask: UInt32 = Self.changes) throws(HostError) -> CInt {
    try Self.add(path, to: descriptor.raw, mask: mask)
  }

  /// The same on a descriptor that somebody else owns.
  @discardableResult
  package static func add(_ path: FilePath, to descriptor: CInt, mask: UInt32 = Self.changes) throws(HostError) -> CInt
  {
    let watch = unsafe path.withPlatformString { unsafe inotify_add_watch(descriptor, $0, mask) }
    guard watch >= 0 else { throw .last("watch", path) }
    return watch
  }

  /// Waits until something changed or the time is over; `true` for a change. All events that are there are taken.
  package borrowing func wait(milliseconds: Int) -> Bool {
    var entry = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
    let ready = unsafe poll(&entry, 1, CInt(clamping: milliseconds))
    return ready > 0 && !drain().isEmpty
  }

  package struct Event: Hashable, Sendable {
    /// -1: the kernel dropped events.
    package var watch: CInt
    package var name: String
    /// What was watched was moved, removed or unmounted: its path is somebody else's now, or nobody's.
    package var isLost: Bool
  }

  private static let lost = UInt32(IN_IGNORED | IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT)

  /// All events that are there; never blocks.
  package borrowing func drain() -> [Event] { Self.drain(descriptor.raw) }

  /// The same on a descriptor that somebody else owns.
  package static func drain(_ descriptor: CInt) -> [Event] {
    var events: [Event] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress!, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return events }
      unsafe buffer.withUnsafeBytes { bytes in
        var offset = 0
        while offset + 16 <= count {
          let watch = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: CInt.self)
          let mask = unsafe bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
          let length = Int(unsafe bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
          let end = min(offset + 16 + length, count)
          let name = unsafe bytes[(offset + 16)..<end].prefix { $0 != 0 }
          unsafe events.append(
            Event(watch: watch, name: String(decoding: name, as: UTF8.self), isLost: mask & Self.lost != 0))
          offset += 16 + length
        }
      }
    }
  }
}
