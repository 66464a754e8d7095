import CLinux
import Glibc
import SystemPackage

/// Visits what is below a directory, by descriptors: no path is made unless it is asked for, and no link is followed. A tree of a worker's
/// may be of any size and depth, so the walk says how it ended.
struct TreeWalk {
  enum Step { case enter, pass, stop }

  enum Ending: Hashable, Sendable {
    case complete
    /// The visitor had enough.
    case stopped
    /// This could not be looked into: closed, or too deep.
    case blind(FilePath)
  }

  /// One name, for the time of the visit.
  @safe
  struct Entry {
    // SAFETY: the name belongs to the listing that is open during the visit.
    fileprivate let name: UnsafePointer<CChar>
    fileprivate let directory: CInt
    fileprivate let kind: UInt8
    fileprivate let parents: [[UInt8]]

    var status: stat? {
      var status = stat()
      return unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// Some file systems do not tell in the listing.
    var isDirectory: Bool {
      if kind != UInt8(DT_UNKNOWN) { return kind == UInt8(DT_DIR) }
      return status.map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }

    func isNamed(_ text: StaticString) -> Bool {
      text.withUTF8Buffer { wanted in
        unsafe strlen(name) == wanted.count && memcmp(name, wanted.baseAddress!, wanted.count) == 0
      }
    }

    /// The directory that it is in, relative to where the walk began.
    var parent: FilePath { parents.reduce(FilePath()) { $0.appending(bytes: $1) } }
  }

  /// Deeper than any build makes them, and fewer than the descriptors that a process may have.
  static let deepest = 500

  /// Directories are visited before what is in them; `enter` goes into one.
  static func run(_ root: FilePath, _ visit: (Entry) -> Step) -> Ending {
    let directory = unsafe root.withPlatformString {
      unsafe open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }
    guard directory >= 0 else { return .blind(FilePath()) }
    var parents: [[UInt8]] = []
    var blind: FilePath?
    guard walk(directory, &parents, &blind, visit) else { return .stopped }
    return blind.map(Ending.blind) ?? .complete
  }

  /// False: stopped. Closes `directory`.
  private static func walk(
    _ directory: CInt, _ parents: inout [[UInt8]], _ blind: inout FilePath?, _ visit: (Entry) -> Step
  ) -> Bool {
    guard let handle = unsafe fdopendir(directory) else {
      close(directory)
      return true
    }
    defer { unsafe closedir(handle) }
    while let entry = unsafe readdir(handle) {
      let kind = unsafe entry.pointee.d_type
      let goesOn = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          if unsafe strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return true }
          let found = unsafe Entry(name: name, directory: directory, kind: kind, parents: parents)
          switch visit(found) {
          case .stop: return false
          case .pass: return true
          case .enter where !found.isDirectory: return true
          case .enter: break
          }
          unsafe parents.append([UInt8](UnsafeRawBufferPointer(start: name, count: strlen(name))))
          defer { parents.removeLast() }
          let below =
            parents.count > deepest
            ? -1 : unsafe openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
          guard below >= 0 else {
            // One that went meanwhile hides nothing.
            if parents.count > deepest || errno != ENOENT {
              blind = blind ?? parents.reduce(FilePath()) { $0.appending(bytes: $1) }
            }
            return true
          }
          return walk(below, &parents, &blind, visit)
        }
      }
      if !goesOn { return false }
    }
    return true
  }
}
