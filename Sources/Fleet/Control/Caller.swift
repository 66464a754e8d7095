package import Tenant

/// Who is at the other end of the control socket, as the kernel says it, and what that lets him do.
package struct Caller: Hashable, Sendable {
  /// Everything; what a concierge does; only what concerns his own tenants. Somebody with no role gets nothing.
  package enum Role: String, Sendable, CaseIterable { case ops, concierge, tenant }

  package var pid: Int32
  package var uid: UInt32
  package var gid: UInt32
  /// The user's name, or its number in digits where the system knows no name.
  package var user: String
  package var roles: Set<Role>
  /// The tenants that run as this user.
  package var tenants: Set<String>
  /// Through what he came, for the records: `cli`, `api`, or what the client calls itself.
  package var via: String

  package init(
    pid: Int32, uid: UInt32, gid: UInt32, user: String, roles: Set<Role>, tenants: Set<String> = [], via: String = "api"
  ) {
    self.pid = pid
    self.uid = uid
    self.gid = gid
    self.user = user
    self.roles = roles
    self.tenants = tenants
    self.via = via
  }

  /// `alice (ops)`: how records and logs name him.
  package var description: String {
    let role = Role.allCases.first { roles.contains($0) }
    return "\(user) (\(role?.rawValue ?? "no role"))"
  }

  package var json: JSON {
    [
      "user": .string(user), "uid": .int(Int64(uid)), "pid": .int(Int64(pid)), "via": .string(via),
      "roles": .array(roles.map(\.rawValue).sorted().map(JSON.string)),
    ]
  }
}
