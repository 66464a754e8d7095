import SystemPackage
import Tenant

/// Who is in which group: what the kernel knows, whatever a tenant says.
extension ControlGroups {
  /// Whether a process is in any group of ours.
  package func holds(_ pid: Int32) -> Bool {
    guard let unified,
      let line = Self.text(FilePath("/proc/\(pid)/cgroup"))?.split(separator: "\n").last(where: { $0.hasPrefix("0::") })
    else { return false }
    // The path is seen from where we are mounted; the base's own name is ours alone.
    return line.split(separator: "/").contains { $0 == unified.lastComponent.map { Substring($0.string) } }
  }

  /// The workers of a tenant in whose groups somebody is, whatever the tenant says of them.
  package func livingWorkers(of tenant: String) -> Set<String> {
    guard let unified else { return [] }
    let workers = Self.children(unified.pushing(.tenant(tenant))).compactMap(ControlGroup.workerID)
    return Set(workers.filter { isPopulated(.worker($0, of: tenant)) == true })
  }

  /// In which tenant's group a process is.
  package func place(of pid: Int32) -> PeerPlace {
    guard let unified, let base = unified.lastComponent?.string else { return .outside }
    guard pid > 0, let text = Self.text(FilePath("/proc/\(pid)/cgroup")),
      let line = text.split(separator: "\n").last(where: { $0.hasPrefix("0::") })
    else { return .unknown }
    let parts = line.dropFirst(3).split(separator: "/").map(String.init)
    guard let index = parts.lastIndex(of: base), index + 1 < parts.count,
      let tenant = ControlGroup.tenantName(parts[index + 1])
    else { return .outside }
    return .inside(tenant: tenant)
  }
}
