import CLinux
import Glibc
import SystemPackage
import Tenant

/// Small looks at and moves in the file system that sandboxes are made of. Nothing here follows a final link.
enum Files {
  static func status(_ path: FilePath) -> stat? {
    var status = stat()
    return unsafe path.withPlatformString { unsafe lstat($0, &status) } == 0 ? status : nil
  }

  static func exists(_ path: FilePath) -> Bool { status(path) != nil }

  static func isDirectory(_ path: FilePath) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }

  static func isLink(_ path: FilePath) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFLNK } ?? false }

  /// Writes a file that nobody looks at yet. Not synchronised: it is published by the rename of its directory, and what a
  /// power cut takes of a sandbox that was just made, the next creation makes again.
  static func write(_ text: String, to path: FilePath, mode: mode_t = 0o644) throws(HostError) {
    let file = try OwnedDescriptor(
      opening: path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode, operation: "write")
    try file.writeAll(Array(text.utf8), path)
    try file.closeChecked(path)
  }

  static func move(_ from: FilePath, to: FilePath) throws(HostError) {
    let result = unsafe from.withPlatformString { source in
      unsafe to.withPlatformString { target in unsafe clinux_rename_exclusive(source, target) }
    }
    guard result == 0 else { throw .last("rename to", to) }
  }

  static func makeDirectory(_ path: FilePath, mode: mode_t = 0o777) throws(HostError) {
    guard unsafe path.withPlatformString({ unsafe mkdir($0, mode) }) == 0 else { throw .last("create directory", path) }
  }

  /// All names in a directory, dotted ones too; an absent directory has none.
  static func names(_ path: FilePath) -> [String] {
    guard let handle = unsafe path.withPlatformString({ unsafe opendir($0) }) else { return [] }
    defer { unsafe closedir(handle) }
    var names: [String] = []
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func linkTarget(_ path: FilePath) -> String? { linkBytes(path).map { String(decoding: $0, as: UTF8.self) } }

  /// A small text file's first line, or `nil`.
  static func line(_ path: FilePath) -> String? {
    guard let text = FileReading.of(path, maximumBytes: 65536).text else { return nil }
    return text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
  }

  static func uniqueName(_ stem: String) -> String {
    "\(stem).\(getpid()).\(String(UInt32.random(in: 0 ... .max), radix: 36))"
  }

  static var now: Int64 { Int64(time(nil)) }
}

extension Files {
  static func linkBytes(_ path: FilePath) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = unsafe path.withPlatformString { text in
      unsafe buffer.withUnsafeMutableBytes {
        unsafe readlink(text, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
      }
    }
    return count < 0 ? nil : Array(buffer.prefix(count))
  }
}

extension OwnedDescriptor {
  /// The next bytes of a file, empty at its end.
  borrowing func readChunk(_ path: FilePath) throws(HostError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 1 << 17)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(raw, $0.baseAddress, $0.count) }
      if count >= 0 {
        buffer.removeLast(buffer.count - count)
        return buffer
      }
      guard errno == EINTR else { throw .last("read", path) }
    }
  }
}
