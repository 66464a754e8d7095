import Glibc
import SystemPackage

/// Reads many small files of one directory: relative to its descriptor, with one buffer, so that a mailbox of a thousand
/// records costs three system calls each.
@safe struct RecordReader: ~Copyable {
  private let directory: FilePath
  private let descriptor: CInt
  private let buffer: UnsafeMutableRawBufferPointer

  /// Most records fit; a longer one takes the ordinary way.
  private static let bufferSize = 16384

  init(_ directory: FilePath) {
    self.directory = directory
    descriptor = unsafe directory.withPlatformString { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    unsafe buffer = .allocate(byteCount: Self.bufferSize, alignment: 16)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    unsafe buffer.deallocate()
  }

  borrowing func read(_ name: String) -> FileReading {
    guard descriptor >= 0 else { return FileReading.of(directory.appending(name)) }
    let file = unsafe openat(descriptor, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else {
      return errno == ENOENT ? .absent : .unreadable(.last("read", directory.appending(name)))
    }
    defer { close(file) }
    let count = unsafe Glibc.read(file, buffer.baseAddress!, Self.bufferSize)
    // A full buffer, an interruption or no regular file: the careful reader decides.
    guard count >= 0, count < Self.bufferSize else { return FileReading.of(directory.appending(name)) }
    if count == 0 { return FileReading.of(directory.appending(name)) }
    return .contents(unsafe [UInt8](UnsafeRawBufferPointer(rebasing: buffer[..<count])))
  }
}
