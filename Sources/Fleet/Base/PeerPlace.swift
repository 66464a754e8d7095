/// Where a process that speaks to the fleet lives, as the kernel's control groups tell.
package enum PeerPlace: Hashable, Sendable {
  case outside
  /// In a group of this tenant: its agent, or what that started.
  case inside(tenant: String)
  /// It is gone already, or cannot be seen.
  case unknown
}
