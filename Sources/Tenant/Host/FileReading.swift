import CLinux
import Glibc
package import SystemPackage

/// What a look at a file gave. «Absent» is not «unreadable»: a transient error must never look like a changed world.
package enum FileReading: Hashable, Sendable {
  case absent
  case unreadable(HostError)
  case contents([UInt8])

  /// No record of ours is larger; a hostile file must not eat our memory.
  package static let maximumBytes = 16 << 20

  /// Reads a regular file whole. A FIFO, a device or a directory is unreadable, and never blocks.
  package static func of(_ path: FilePath, maximumBytes: Int = Self.maximumBytes) -> FileReading {
    do {
      return .contents(try read(path, maximumBytes: maximumBytes))
    } catch {
      return error.isAbsent ? .absent : .unreadable(error)
    }
  }

  package static func read(_ path: FilePath, maximumBytes: Int = Self.maximumBytes) throws(HostError) -> [UInt8] {
    let file = try OwnedDescriptor(opening: path, O_RDONLY | O_NONBLOCK, operation: "read")
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0 else { throw .last("read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw HostError("read", path, errno: EINVAL) }
    guard status.st_size <= maximumBytes else { throw HostError("read", path, errno: EFBIG) }
    return try drain(file, sizeHint: Int(status.st_size), maximumBytes: maximumBytes, path)
  }

  private static func drain(
    _ file: borrowing OwnedDescriptor, sizeHint: Int, maximumBytes: Int, _ path: FilePath
  ) throws(HostError) -> [UInt8] {
    // Files of /proc say size 0: read on until the end, whatever the hint was. Those of /proc/sys give all in one read or cut it.
    var bytes = [UInt8](repeating: 0, count: sizeHint == 0 ? 4096 : sizeHint + 1)
    var count = 0
    while true {
      if count == bytes.count { bytes.append(contentsOf: repeatElement(0, count: max(4096, count))) }
      let room = bytes.count - count
      let got = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(file.raw, $0.baseAddress! + count, room) }
      if got < 0 {
        if errno == EINTR { continue }
        throw .last("read", path)
      }
      if got == 0 { break }
      count += got
      guard count <= maximumBytes else { throw HostError("read", path, errno: EFBIG) }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  package var text: String? {
    if case .contents(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
  }
}
