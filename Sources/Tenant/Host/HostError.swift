import Glibc
package import SystemPackage

/// An operation of this machine that failed: what, on what, and the system's reason.
package struct HostError: Error, Hashable, Sendable, CustomStringConvertible {
  package var operation: String
  package var path: FilePath?
  package var errno: CInt

  package init(_ operation: String, _ path: FilePath? = nil, errno: CInt) {
    self.operation = operation
    self.path = path
    self.errno = errno
  }

  /// Reads `errno`: call it on the line after the failing call.
  package static func last(_ operation: String, _ path: FilePath? = nil) -> HostError {
    HostError(operation, path, errno: Glibc.errno)
  }

  package var isAbsent: Bool { errno == ENOENT || errno == ENOTDIR }
  package var isExisting: Bool { errno == EEXIST }

  package var description: String {
    "cannot \(operation)\(path.map { " \($0)" } ?? ""): \(Errno(rawValue: errno))".lowercasedFirstReason
  }
}

extension String {
  fileprivate var lowercasedFirstReason: String {
    guard let colon = lastIndex(of: ":") else { return self }
    return self[...colon] + self[index(after: colon)...].lowercased()
  }
}
