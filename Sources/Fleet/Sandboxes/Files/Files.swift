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

  static func isRegular(_ path: FilePath) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFREG } ?? false }

  static func permissions(_ path: FilePath) -> UInt32? { status(path).map { $0.st_mode & 0o7777 } }

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

  /// Whether nothing changed directly in it for so many seconds.
  static func isOlder(_ path: FilePath, than seconds: Int64) -> Bool {
    status(path).map { now - Int64($0.st_mtim.tv_sec) >= seconds } ?? false
  }
}

extension Files {
  static func linkBytes(_ path: FilePath) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
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

extension Files {
  /// The process's umask: what new files lack. Asked of the kernel, because `umask` can only be read by setting it, and a
  /// file that another thread makes meanwhile would get the wrong permissions.
  static let creationMask: mode_t = {
    for line in (FileReading.of("/proc/self/status").text ?? "").split(separator: "\n") where line.hasPrefix("Umask:") {
      if let mask = mode_t(line.drop { !$0.isNumber }, radix: 8) { return mask }
    }
    return 0o022
  }()

  static func setPermissions(_ path: FilePath, _ mode: mode_t) throws(HostError) {
    guard unsafe path.withPlatformString({ unsafe chmod($0, mode) }) == 0 else {
      throw .last("set permissions of", path)
    }
  }

  /// Whether a file carries attributes that its user can set (`user.*`, access lists, capabilities).
  static func hasAttributes(_ file: CInt) -> Bool {
    unsafe list { buffer, size in unsafe clinux_list_attributes(file, buffer, size) }
  }

  static func hasAttributes(_ path: FilePath) -> Bool {
    guard let file = try? OwnedDescriptor(opening: path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return true }
    return hasAttributes(file.raw)
  }

  private static func list(_ call: (UnsafeMutablePointer<CChar>?, Int) -> Int) -> Bool {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = unsafe buffer.withUnsafeMutableBufferPointer { unsafe call($0.baseAddress, $0.count) }
    if count == 0 { return false }
    // Too many to list is more than a clean file has; a file system without attributes has none.
    if count < 0 { return errno == ERANGE }
    let names = buffer.prefix(count).split(separator: 0).map { name in
      String(decoding: name.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return names.contains { $0.hasPrefix("user.") || $0.hasPrefix("system.posix_acl") || $0 == "security.capability" }
  }

  /// The names in a directory as bytes: a name need not be text.
  static func rawNames(_ path: FilePath) throws(HostError) -> [[UInt8]] {
    guard let handle = unsafe path.withPlatformString({ unsafe opendir($0) }) else { throw .last("list", path) }
    defer { unsafe closedir(handle) }
    var names: [[UInt8]] = []
    while let entry = unsafe readdir(handle) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
          unsafe [UInt8](
            UnsafeBufferPointer(
              start: bytes, count: strlen(UnsafeRawPointer(bytes).assumingMemoryBound(to: CChar.self))))
        }
      }
      if name != [46], name != [46, 46] { names.append(name) }
    }
    return names
  }
}

extension FilePath {
  /// Appends one name, byte for byte.
  func appending(bytes name: [UInt8]) -> FilePath {
    let terminated = name.map { CChar(bitPattern: $0) } + [0]
    return pushing(unsafe terminated.withUnsafeBufferPointer { unsafe FilePath(platformString: $0.baseAddress!) })
  }
}

extension Files {
  /// Creates a file that must not exist, with exactly these permissions.
  static func create(_ bytes: [UInt8], at path: FilePath, mode: mode_t) throws(HostError) {
    let file = try OwnedDescriptor(
      opening: path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, operation: "create")
    try file.writeAll(bytes, path)
    guard fchmod(file.raw, mode) == 0 else { throw .last("create", path) }
    try file.closeChecked(path)
  }

  static func link(_ target: [UInt8], at path: FilePath) throws(HostError) {
    let text = target.map { CChar(bitPattern: $0) } + [0]
    let made = unsafe text.withUnsafeBufferPointer { target in
      unsafe path.withPlatformString { unsafe symlink(target.baseAddress!, $0) }
    }
    guard made == 0 else { throw .last("link", path) }
  }
}
