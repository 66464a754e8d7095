import Glibc
package import SystemPackage
package import Tenant

/// A directory of one test, gone with the last reference to it. Short names: a session's socket must fit below it.
package final class ScratchDirectory: Sendable {
  package let path: FilePath

  /// `base`: instead of the machine's temporary directory.
  package init(_ name: String = "t", in base: String? = nil) throws {
    // Every test begins here: one that writes to a child which has ended must not end the whole run.
    signal(SIGPIPE, SIG_IGN)
    let base = base ?? HostEnvironment.current()["TMPDIR"] ?? "/tmp"
    var template = Array("\(base)/\(name).XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw HostError.last("make a scratch directory", FilePath(base)) }
    path = FilePath(platformString: made)
  }

  deinit {
    // A child of the test that still writes there loses the race; what it leaves is in the temporary directory.
    try? Directory.removeTree(path)
  }

  package var dataDir: DataDir { DataDir(path) }

  package func appending(_ relative: String) -> FilePath { path.pushing(FilePath(relative)) }

  /// Writes a file and the directories above it; the answer is its path.
  @discardableResult
  package func write(_ text: String, to relative: String, mode: UInt32 = 0o644) throws -> FilePath {
    let file = appending(relative)
    try Directory.create(file.removingLastComponent())
    try AtomicFile.write(text, to: file, mode: mode)
    return file
  }

  /// `nil` where there is no such file.
  package func read(_ relative: String) -> String? { FileReading.of(appending(relative)).text }

  package func json(_ relative: String) -> JSON? { StateFile.read(appending(relative)).value }

  package func exists(_ relative: String) -> Bool { access(appending(relative).string, F_OK) == 0 }

  /// Undotted names below a directory, sorted; empty where it is absent.
  package func names(_ relative: String) -> [String] { (try? Directory.names(appending(relative))) ?? [] }
}
