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
  /// By user and group: who took on a group for a while (`newgrp`) has its rights only as long.
  private struct Key: Hashable {
    var uid: UInt32
    var gid: UInt32
  }
  private var entries: [Key: Entry] = [:]

  package init(
    owner: UInt32 = geteuid(), lookup: UserLookup = .system, monotonic: @escaping @Sendable () -> Double
  ) {
    self.owner = owner
    self.lookup = lookup
    self.monotonic = monotonic
  }

  /// `tenants` are those that run as this user; `place` is where its process lives. An agent has its tenant's rights and no more,
  /// whatever groups its user is in: those are for the person.
  package func caller(
    _ peer: PeerCredentials, tenants: Set<String>, place: PeerPlace = .outside, via: String
  ) async -> Caller {
    let entry = await entry(for: peer)
    var (roles, tenants) = (entry.roles, tenants)
    switch place {
    case .outside: break
    case .inside(let tenant):
      roles = []
      tenants.formIntersection([tenant])
    case .unknown: if !tenants.isEmpty { roles = [] }
    }
    if !tenants.isEmpty { roles.insert(.tenant) }
    return Caller(
      pid: peer.pid, uid: peer.uid, gid: peer.gid, user: entry.user, roles: roles, tenants: tenants, via: via)
  }

  private func entry(for peer: PeerCredentials) async -> Entry {
    let now = monotonic()
    let key = Key(uid: peer.uid, gid: peer.gid)
    if let known = entries[key], now - known.at < Self.freshSeconds { return known }
    let (lookup, owner) = (lookup, owner)
    // The user database may be on the network: it is asked on a thread that may block.
    let fresh = try? await NIOThreadPool.singleton.runIfActive {
      Self.entry(uid: peer.uid, gid: peer.gid, owner: owner, lookup: lookup, at: now)
    }
    // The pool refuses only while the program ends; then nobody has a role any more.
    guard let fresh else { return Entry(user: String(peer.uid), roles: [], at: now) }
    if entries.count >= Self.maximumEntries { entries = [:] }
    entries[key] = fresh
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
