/// The name of one group in the fleet's subtree: a tenant's, that of its beats, or a worker's.
///
/// Prefixes keep a tenant that is called `memory.max` from being the kernel's file of that name.
package struct ControlGroup: Hashable, Sendable, CustomStringConvertible {
  package let path: [String]

  private init(_ path: [String]) { self.path = path }

  package static func tenant(_ name: String) -> ControlGroup { ControlGroup(["t-\(name)"]) }
  package static func beats(of tenant: String) -> ControlGroup { ControlGroup(["t-\(tenant)", "beats"]) }
  package static func worker(_ id: String, of tenant: String) -> ControlGroup {
    ControlGroup(["t-\(tenant)", "w-\(id)"])
  }

  /// A worker's, or the beats': one thing that runs, and ends, as a whole.
  var isLeaf: Bool { path.count > 1 }

  package var description: String { path.joined(separator: "/") }

  /// Whether the names can be directories. They are checked where they come from; this is the last door.
  package var isValid: Bool {
    path.allSatisfy { name in
      name.utf8.count <= 200
        && name.utf8.allSatisfy { byte in byte > 0x20 && byte != 0x7f && byte != UInt8(ascii: "/") }
    }
  }

  static func tenantName(_ directory: String) -> String? {
    directory.hasPrefix("t-") ? String(directory.dropFirst(2)) : nil
  }
  static func workerID(_ directory: String) -> String? {
    directory.hasPrefix("w-") ? String(directory.dropFirst(2)) : nil
  }
}
