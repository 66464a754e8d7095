import CLinux
import Glibc
package import SystemPackage

/// The end of a text file that may be large.
package enum FileTail {
  /// The last bytes, from the first whole line on; empty where there is nothing to read.
  package static func read(_ path: FilePath, maximumBytes: Int) -> String {
    // A log is for reading only: absent and unreadable both show nothing.
    guard let file = try? OwnedDescriptor(opening: path, O_RDONLY | O_NONBLOCK, operation: "read") else { return "" }
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return "" }
    let start = max(0, Int(status.st_size) - maximumBytes)
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size) - start)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file.raw, $0.baseAddress, $0.count, start) }
    var tail = bytes.prefix(max(0, count))
    if start > 0, let newline = tail.firstIndex(of: UInt8(ascii: "\n")) { tail = tail[(newline + 1)...] }
    return String(decoding: tail, as: UTF8.self)
  }
}
