import CLinux
import Glibc
import SystemPackage
import Tenant

/// A new index file, written from its beginning to its end, and the parts of git's documented format (gitformat-index) that it has.
struct IndexFile: ~Copyable {
  static let headerBytes = 12
  /// Of an entry: what comes before its path.
  static let fixedBytes = 62
  static let digestBytes = 20

  private let file: OwnedDescriptor
  private let path: FilePath
  private var hash = clinux_sha1()

  init(creating path: FilePath) throws(HostError) {
    self.init(
      try OwnedDescriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644, operation: "write"), path)
  }

  /// `path`: what messages call it.
  init(_ file: consuming OwnedDescriptor, _ path: FilePath) {
    self.file = file
    self.path = path
    unsafe clinux_sha1_start(&hash)
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(HostError) {
    unsafe clinux_sha1_add(&hash, bytes.baseAddress, bytes.count)
    try unsafe file.writeAll(bytes, path)
  }

  mutating func write(_ bytes: [UInt8]) throws(HostError) {
    unsafe clinux_sha1_add(&hash, bytes, bytes.count)
    try file.writeAll(bytes, path)
  }

  /// Adds the digest of all that was written.
  consuming func finish() throws(HostError) -> OwnedDescriptor {
    var digest = [UInt8](repeating: 0, count: Self.digestBytes)
    unsafe clinux_sha1_end(&hash, &digest)
    try file.writeAll(digest, path)
    return file
  }

  consuming func close() throws(HostError) {
    let path = path
    try finish().closeChecked(path)
  }

  static func bytes(_ word: UInt32) -> [UInt8] {
    [UInt8(word >> 24), UInt8(word >> 16 & 0xff), UInt8(word >> 8 & 0xff), UInt8(word & 0xff)]
  }

  /// An entry ends with one to eight zeros, up to a multiple of eight.
  static func entryBytes(beforePath: Int = fixedBytes, path: Int) -> Int { (beforePath + path + 8) & ~7 }
}
