import CLinux
import Glibc
package import SystemPackage

/// The processes that work below a directory: by their working directory, root, program or open files. Nothing below the
/// directory itself is opened.
///
/// It matters who looks. The kernel shows a process's places to whoever may trace it: to root, and to its own user; but under Landlock
/// only those in the same domain. One of the same user that is not shown is `hidden`, and may work anywhere. One that closed itself to
/// its own user as well (an `ssh-agent`) is seen by root alone and not counted without: a login has several, and nothing tells where.
package struct DirectoryUsers: Hashable, Sendable {
  /// When the look began, as files are stamped: nanoseconds since 1970.
  package var began = HostClock.fileStamp()
  /// By the path below the directory, as deep as was asked for.
  package var found: [String: [User]] = [:]
  package var hidden: [User] = []

  package struct User: Hashable, Sendable, CustomStringConvertible {
    package var pid: Int32
    package var name: String

    package init(pid: Int32, name: String) {
      self.pid = pid
      self.name = name
    }

    package var description: String { "process \(pid) (\(name))" }

    /// False once it has ended; whose number was given away lives on in its place.
    package var mayLive: Bool { kill(pid, 0) == 0 || errno != ESRCH }
  }

  package init() {}

  /// - `depth`: how many names below the directory tell the places apart; 0: it is one place, named "".
  /// - `user`: whose processes, besides root's. What others do there they could not write.
  package static func look(below directory: FilePath, depth: Int = 0, user: UInt32 = geteuid()) -> DirectoryUsers {
    let wanted = Array(resolved(directory).string.utf8)
    var users = DirectoryUsers()
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    for name in (try? Directory.names("/proc")) ?? [] {
      guard let pid = Int32(name), pid != getpid() else { continue }
      let process = unsafe open("/proc/\(name)", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard process >= 0 else { continue }
      defer { close(process) }
      var status = stat()
      guard unsafe fstat(process, &status) == 0, status.st_uid == user || status.st_uid == 0 else { continue }
      var places: Set<String> = []
      let isShown = look(at: process, wanted, depth, &buffer, &places)
      guard !places.isEmpty || !isShown && status.st_uid == user && !hasMorePowers(pid) else { continue }
      let user = User(pid: pid, name: command(pid))
      for place in places { users.found[place, default: []].append(user) }
      if places.isEmpty { users.hidden.append(user) }
    }
    return users
  }

  /// As the kernel names it, where a directory above is a link.
  private static func resolved(_ directory: FilePath) -> FilePath {
    guard let name = directory.lastComponent,
      let parent = unsafe directory.removingLastComponent().withPlatformString({ unsafe realpath($0, nil) })
    else { return directory }
    defer { unsafe free(parent) }
    return unsafe FilePath(platformString: parent).appending(name)
  }

  /// Whether that is why it is not shown, as of a host's first process: nobody's worker has capabilities that its fleet lacks.
  private static func hasMorePowers(_ pid: Int32) -> Bool {
    guard let theirs = capabilities("CapPrm", of: "\(pid)"), let ours = capabilities("CapEff", of: "self") else {
      return false
    }
    return theirs & ~ours != 0
  }

  private static func capabilities(_ field: String, of process: String) -> UInt64? {
    let text = FileReading.of(FilePath("/proc/\(process)/status"), maximumBytes: 65536).text ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("\(field):") }
    return (line?.split(whereSeparator: \.isWhitespace).last).flatMap { UInt64($0, radix: 16) }
  }

  private static func command(_ pid: Int32) -> String {
    let text = FileReading.of(FilePath("/proc/\(pid)/comm"), maximumBytes: 4096).text ?? "?"
    return String(text.prefix { !$0.isNewline })
  }

  /// False where the kernel does not show it. With one place to find the first sign is enough.
  private static func look(
    at process: CInt, _ wanted: [UInt8], _ depth: Int, _ buffer: inout [UInt8], _ places: inout Set<String>
  ) -> Bool {
    // The places first: three looks instead of hundreds.
    for name in ["cwd", "root", "exe"] {
      errno = 0
      if let place = unsafe lead(process, name, wanted, depth, &buffer) {
        places.insert(place)
        if depth == 0 { return true }
      } else if errno == EACCES || errno == EPERM {
        return false
      }
    }
    let descriptors = unsafe openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptors >= 0 else { return errno != EACCES && errno != EPERM }
    guard let handle = unsafe fdopendir(descriptors) else {
      close(descriptors)
      return false
    }
    defer { unsafe closedir(handle) }
    while let entry = unsafe readdir(handle) {
      let place = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe lead(descriptors, $0, wanted, depth, &buffer)
        }
      }
      guard let place else { continue }
      places.insert(place)
      if depth == 0 { return true }
    }
    return true
  }

  /// Which place a link of `/proc` leads to; nil: to none of them. No path is made into text unless it is below the directory.
  private static func lead(
    _ directory: CInt, _ name: UnsafePointer<CChar>, _ wanted: [UInt8], _ depth: Int, _ buffer: inout [UInt8]
  ) -> String? {
    let count: Int = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe readlinkat(directory, name, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
    }
    guard count >= wanted.count, unsafe memcmp(buffer, wanted, wanted.count) == 0,
      count == wanted.count || buffer[wanted.count] == UInt8(ascii: "/")
    else { return nil }
    if depth == 0 { return "" }
    let rest = buffer[wanted.count..<count].split(separator: UInt8(ascii: "/")).prefix(depth)
    return rest.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
  }
}

extension DirectoryUsers {
  package var json: JSON {
    [
      "began_ns": .int(began), "found": .object(found.mapValues { .array($0.map(\.json)) }),
      "hidden": .array(hidden.map(\.json)),
    ]
  }

  /// `nil` for what is no such look.
  package init?(json: JSON) {
    guard let began = json["began_ns"]?.int, let found = json["found"]?.object, let hidden = json["hidden"]?.array
    else { return nil }
    self.began = began
    self.found = found.mapValues { ($0.array ?? []).compactMap(User.init(json:)) }
    self.hidden = hidden.compactMap(User.init(json:))
  }
}

extension DirectoryUsers.User {
  fileprivate var json: JSON { ["pid": .int(Int64(pid)), "name": .string(name)] }

  fileprivate init?(json: JSON) {
    guard let pid = json["pid"]?.int.flatMap(Int32.init(exactly:)), let name = json["name"]?.string else { return nil }
    self.init(pid: pid, name: name)
  }
}
