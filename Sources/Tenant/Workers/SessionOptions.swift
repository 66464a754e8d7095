import SystemPackage

/// The arguments of `run --detached-id`. This entry bypasses the strict parser: unknown flags are ignored, and swallow the
/// next word unless it starts with a dash.
package struct SessionOptions: Hashable, Sendable {
  package var id: String
  package var data: DataDir
  package var command: [String]
  package var rows = 24
  package var columns = 80
  /// Seconds; 0 = none.
  package var timeout = 0.0
  package var idleTimeout = 0.0
  package var usesTerminal = true
  /// Ours: says on stdout how the start went, then lets go of it.
  package var report = false

  /// Whether these are the arguments of a holder: the flag comes first, and a bare `--` exists.
  package static func matches(_ arguments: [String]) -> Bool {
    arguments.count > 3 && arguments[0] == "run" && arguments[1] == "--detached-id" && arguments.contains("--")
  }

  package init(_ arguments: [String]) throws(Refusal) {
    guard Self.matches(arguments), let separator = arguments.firstIndex(of: "--") else {
      throw Refusal(.invalid, "usage: run --detached-id ID --root DATA -- COMMAND…")
    }
    id = arguments[2]
    command = Array(arguments[(separator + 1)...])
    var root: String?
    var index = 3
    while index < separator {
      let flag = arguments[index]
      index += 1
      switch flag {
      case "--no-tty":
        usesTerminal = false
        continue
      case "--report":
        report = true
        continue
      default: break
      }
      guard flag.hasPrefix("--"), index < separator, !arguments[index].hasPrefix("-") else { continue }
      let value = arguments[index]
      index += 1
      switch flag {
      case "--root": root = value
      case "--timeout": timeout = Double(value) ?? 0
      case "--idle-timeout": idleTimeout = Double(value) ?? 0
      case "--size":
        let parts = value.split(separator: "x").compactMap { Int($0) }
        if parts.count == 2, (2...500).contains(parts[0]), (2...200).contains(parts[1]) {
          columns = parts[0]
          rows = parts[1]
        }
      default: break
      }
    }
    guard let root, !command.isEmpty, Identifier.isValidSession(id) else {
      throw Refusal(.invalid, "usage: run --detached-id ID --root DATA -- COMMAND…")
    }
    data = DataDir(FilePath(root))
  }
}
