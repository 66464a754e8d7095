package import SystemPackage

/// One JSON record as found on disk, with the four answers kept apart.
package enum StateFile: Hashable, Sendable {
  case absent
  case unreadable(HostError)
  case corrupt(String)
  case value(JSON)

  package static func read(_ path: FilePath) -> StateFile {
    switch FileReading.of(path) {
    case .absent: return .absent
    case .unreadable(let error): return .unreadable(error)
    case .contents(let bytes):
      do throws(JSONError) {
        return .value(try JSON(parsing: bytes))
      } catch {
        return .corrupt(error.description)
      }
    }
  }

  package var value: JSON? { if case .value(let json) = self { json } else { nil } }

  /// Writes a record: pretty, one newline at the end, atomically.
  package static func write(_ value: JSON, to path: FilePath, mode: UInt32 = 0o644) throws(HostError) {
    try AtomicFile.write(value.pretty + "\n", to: path, mode: mode)
  }
}
