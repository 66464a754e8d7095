package import SystemPackage

/// Which parts of control groups this host gives us.
package struct ControlGroupOffer: Hashable, Sendable {
  package enum Version: String, Sendable { case v1, v2 }

  /// Membership, kill, freeze and CPU time: a v2 hierarchy that we may write to.
  package var hasGroups: Bool
  package var memory: Version?
  package var cpu: Version?
  package var processes: Version?
  /// Why there are no groups.
  package var reason: String?

  package init(
    hasGroups: Bool, memory: Version? = nil, cpu: Version? = nil, processes: Version? = nil, reason: String? = nil
  ) {
    self.hasGroups = hasGroups
    self.memory = memory
    self.cpu = cpu
    self.processes = processes
    self.reason = reason
  }

  package static func none(_ reason: String) -> ControlGroupOffer {
    ControlGroupOffer(hasGroups: false, reason: reason)
  }
}

/// Where control groups are mounted, read from the mount table and never assumed: distributions, containers and hybrid hosts
/// each have their own place. Pure.
package struct ControlGroupLayout: Hashable, Sendable {
  /// The v2 hierarchy's mount point.
  package var unified: FilePath?
  /// Our own group in it, as seen from the mount point; `/` is the mount point itself.
  package var ownGroup: FilePath?
  /// v1 hierarchies by controller.
  package var legacy: [String: FilePath] = [:]

  package init(unified: FilePath? = nil, ownGroup: FilePath? = nil, legacy: [String: FilePath] = [:]) {
    self.unified = unified
    self.ownGroup = ownGroup
    self.legacy = legacy
  }

  /// The v1 controllers that we use.
  static let controllers: Set<String> = ["memory", "cpu", "pids"]

  /// From the text of `/proc/self/mountinfo` and of `/proc/self/cgroup` (proc(5), cgroups(7)).
  package static func parse(mountinfo: String, ownGroups: String) -> ControlGroupLayout {
    var layout = ControlGroupLayout()
    var unifiedRoot = "/"
    for line in mountinfo.split(separator: "\n") {
      guard let mount = Mount(line), !mount.isReadOnly else { continue }
      switch mount.kind {
      case "cgroup2":
        // The first one counts; a second one is somebody's bind mount.
        guard layout.unified == nil else { continue }
        layout.unified = FilePath(mount.point)
        unifiedRoot = mount.root
      case "cgroup":
        for controller in mount.superOptions where controllers.contains(controller) && layout.legacy[controller] == nil
        {
          layout.legacy[controller] = FilePath(mount.point)
        }
      default: continue
      }
    }
    if layout.unified != nil { layout.ownGroup = ownGroup(ownGroups, root: unifiedRoot) }
    return layout
  }

  /// The line `0::/path`; a container may see only the part below its mount's root.
  private static func ownGroup(_ text: String, root: String) -> FilePath? {
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("0::") }) else { return nil }
    let path = String(line.dropFirst(3))
    // A group outside of what is mounted shows as `/..`.
    guard path.hasPrefix("/"), !path.hasPrefix("/..") else { return nil }
    if root == "/" || root.hasPrefix("/..") { return FilePath(path) }
    guard path == root || path.hasPrefix(root + "/") else { return FilePath(path) }
    let below = path.dropFirst(root.count)
    return FilePath(below.isEmpty ? "/" : String(below))
  }

  private struct Mount {
    var root: String
    var point: String
    var isReadOnly: Bool
    var kind: String
    var superOptions: [String]

    /// `36 35 98:0 /root /point rw,noatime master:1 - type source rw,opts`
    init?(_ line: Substring) {
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count >= dash + 4 else { return nil }
      root = Self.unescape(fields[3])
      point = Self.unescape(fields[4])
      kind = String(fields[dash + 1])
      superOptions = fields[dash + 3].split(separator: ",").map(String.init)
      isReadOnly = fields[5].split(separator: ",").contains("ro") || superOptions.contains("ro")
    }

    /// Blanks and backslashes are octal in the mount table.
    private static func unescape(_ text: Substring) -> String {
      var out: [UInt8] = []
      var rest = Array(text.utf8)[...]
      while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "\\"), rest.count >= 3,
          let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
        {
          out.append(code)
          rest = rest.dropFirst(3)
        } else {
          out.append(byte)
        }
      }
      return String(decoding: out, as: UTF8.self)
    }
  }
}
