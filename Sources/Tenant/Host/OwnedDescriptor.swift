import CLinux
import Glibc
package import SystemPackage

/// One open descriptor with one owner: closed when the owner goes, close-on-exec from its birth.
package struct OwnedDescriptor: ~Copyable, Sendable {
  package let raw: CInt

  /// Takes over a descriptor that is open already.
  package init(owning raw: CInt) { self.raw = raw }

  package init(
    opening path: FilePath, _ flags: CInt, mode: UInt32 = 0o600, operation: String = "open"
  ) throws(HostError) {
    var descriptor: CInt
    repeat {
      descriptor = unsafe path.withPlatformString { unsafe open($0, flags | O_CLOEXEC, mode) }
    } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else { throw .last(operation, path) }
    raw = descriptor
  }

  deinit { _ = close(raw) }

  /// Gives the descriptor away; it stays open.
  package consuming func release() -> CInt {
    let descriptor = raw
    discard self
    return descriptor
  }

  /// Closes and reports: a written file's last error may come only here.
  package consuming func closeChecked(_ path: FilePath) throws(HostError) {
    let descriptor = raw
    discard self
    guard close(descriptor) == 0 else { throw .last("close", path) }
  }

  package borrowing func writeAll(_ bytes: [UInt8], _ path: FilePath) throws(HostError) {
    // The closure of `withUnsafeBytes` throws what it likes.
    let result = unsafe bytes.withUnsafeBytes { bytes in
      Result { () throws(HostError) in try unsafe writeAll(bytes, path) }
    }
    try result.get()
  }

  package borrowing func writeAll(_ bytes: UnsafeRawBufferPointer, _ path: FilePath) throws(HostError) {
    var offset = 0
    while offset < bytes.count {
      let written = unsafe write(raw, bytes.baseAddress! + offset, bytes.count - offset)
      if written < 0 {
        if errno == EINTR { continue }
        throw .last("write", path)
      }
      offset += written
    }
  }
}
