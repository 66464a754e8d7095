import Glibc
import NIOPosix

/// Which roles a Unix user has. `ops`: root, the supervisor's own user, the group `looop-ops`; `concierge`: the group
/// `looop-concierge`; `tenant`: whoever tenants run as.
package actor RoleBook {
  package static let opsGroup = "looop-ops"
  package static let conciergeGroup = "looop-concierge"

  /// A changed group takes effect after this long: a directory service must not be asked for each request.
  static let freshSeconds = 10.0
  /// More users than a host has; a bound all the same.
  static let maximumEntries = 4096

  private struct Entry {
    var user: String
    var roles: Set<Caller.Role>
    var at: Double
  }

  private let owner: UInt32
  private let lookup: UserLookup
  private let monotonic: @Sendable () -> Double
  private var entries: [UInt32: Entry] = [:]

  package init(
    owner: UInt32 = geteuid(), lookup: UserLookup = .system, monotonic: @escaping @Sendable () -> Double
  ) {
    self.owner = owner
    self.lookup = lookup
    self.monotonic = monotonic
  }

  /// `tenants` are those that run as this user.
  package func caller(_ peer: PeerCredentials, tenants: Set<String>, via: String) async -> Caller {
    let entry = await entry(for: peer)
    var roles = entry.roles
    if !tenants.isEmpty { roles.insert(.tenant) }
    return Caller(
      pid: peer.pid, uid: peer.uid, gid: peer.gid, user: entry.user, roles: roles, tenants: tenants, via: via)
  }

  private func entry(for peer: PeerCredentials) async -> Entry {
    let now = monotonic()
    if let known = entries[peer.uid], now - known.at < Self.freshSeconds { return known }
    let (lookup, owner) = (lookup, owner)
    // The user database may be on the network: it is asked on a thread that may block.
    let fresh = try? await NIOThreadPool.singleton.runIfActive {
      Self.entry(uid: peer.uid, gid: peer.gid, owner: owner, lookup: lookup, at: now)
    }
    // The pool refuses only while the program ends; then nobody has a role any more.
    guard let fresh else { return Entry(user: String(peer.uid), roles: [], at: now) }
    if entries.count >= Self.maximumEntries { entries = [:] }
    entries[peer.uid] = fresh
    return fresh
  }

  private static func entry(uid: UInt32, gid: UInt32, owner: UInt32, lookup: UserLookup, at: Double) -> Entry {
    let user = lookup.user(uid)
    var groups = user?.groups ?? []
    groups.insert(gid)
    func isMember(_ name: String) -> Bool { lookup.group(name).map { groups.contains($0) } ?? false }
    var roles: Set<Caller.Role> = []
    if uid == 0 || uid == owner || isMember(opsGroup) { roles.insert(.ops) }
    if isMember(conciergeGroup) { roles.insert(.concierge) }
    return Entry(user: user?.name ?? String(uid), roles: roles, at: at)
  }
}
