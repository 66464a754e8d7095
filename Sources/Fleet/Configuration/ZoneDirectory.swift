package import SystemPackage
import Tenant

/// The host's time zones. Reads the compiled files that the distribution keeps up to date.
package struct ZoneDirectory: Sendable {
  package let root: FilePath
  package let machineZone: FilePath

  package static let system = ZoneDirectory()

  package init(root: FilePath = "/usr/share/zoneinfo", machineZone: FilePath = "/etc/localtime") {
    self.root = root
    self.machineZone = machineZone
  }

  /// Nil when there is no such zone. `UTC` is known without any file.
  package func zone(_ name: String) -> ZoneRules? {
    if name == "UTC" { return .utc }
    // A name is a path below `root` and nothing else.
    guard !name.hasPrefix("/"), !name.split(separator: "/").contains(".."),
      name.utf8.allSatisfy({ $0 > UInt8(ascii: " ") && $0 < 127 }), !name.isEmpty,
      case .contents(let bytes) = FileReading.of(root.appending(name), maximumBytes: 1 << 20)
    else { return nil }
    return ZoneRules(name: name, contents: bytes)
  }

  /// The machine's own zone; UTC where it has none, as the C library does.
  package var machine: ZoneRules {
    guard case .contents(let bytes) = FileReading.of(machineZone, maximumBytes: 1 << 20),
      let rules = ZoneRules(name: "local time", contents: bytes)
    else { return .utc }
    return rules
  }

  /// The names of all zones, for a hint.
  package func names() -> [String] {
    var names: [String] = []
    func visit(_ directory: FilePath, prefix: String, depth: Int) {
      // A hint that cannot be given is no error.
      for name in (try? Directory.names(directory)) ?? [] {
        if name.first?.isUppercase != true { continue }
        let path = directory.appending(name)
        if Directory.exists(path) {
          if depth < 3 { visit(path, prefix: prefix + name + "/", depth: depth + 1) }
        } else {
          names.append(prefix + name)
        }
      }
    }
    visit(root, prefix: "", depth: 0)
    return names
  }
}
