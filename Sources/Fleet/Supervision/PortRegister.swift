import CLinux
import Glibc
import SystemPackage
import Tenant

/// The leases on disk: written before a block is given, so that a supervisor that is killed gives none twice. Its calls wait
/// for the disk.
final class PortRegister: Sendable {
  private let file: FilePath
  private let leases: Locked<PortLeases>

  init(file: FilePath) {
    self.file = file
    leases = Locked(PortLeases(json: StateFile.read(file).value ?? [:]))
  }

  /// Nil where the range is used up.
  func lease(_ holder: String, count: Int, in range: ClosedRange<Int>) throws(HostError) -> PortLeases.Block? {
    var block: PortLeases.Block?
    try change { block = $0.lease(holder, count: count, in: range, isFree: Self.isFree) }
    return block
  }

  func block(of holder: String) -> PortLeases.Block? { leases.withLock { $0.blocks[holder] } }

  func change(_ body: (inout PortLeases) -> Void) throws(HostError) {
    let result: Result<Void, HostError> = leases.withLock { leases in
      var changed = leases
      body(&changed)
      guard changed != leases else { return .success(()) }
      do throws(HostError) {
        try StateFile.write(changed.json, to: file, mode: 0o600)
        leases = changed
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Whether nobody listens there, at any address of either kind.
  private static func isFree(_ port: Int) -> Bool {
    let number = in_port_t(UInt16(port).bigEndian)
    var old = sockaddr_in()
    old.sin_family = sa_family_t(AF_INET)
    old.sin_port = number
    var new = sockaddr_in6()
    new.sin6_family = sa_family_t(AF_INET6)
    new.sin6_port = number
    return unsafe binds(AF_INET, &old, MemoryLayout<sockaddr_in>.size)
      && binds(AF_INET6, &new, MemoryLayout<sockaddr_in6>.size)
  }

  /// A machine without this kind of address has nobody who listens at one.
  private static func binds(_ family: CInt, _ address: UnsafeRawPointer, _ size: Int) -> Bool {
    let descriptor = socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return errno == EAFNOSUPPORT }
    defer { close(descriptor) }
    var yes: CInt = 1
    // Else it would take the old kind's port too, and be refused for it.
    if family == AF_INET6 { unsafe setsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &yes, 4) }
    let bound = unsafe bind(descriptor, address.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
    return bound == 0 || errno == EADDRNOTAVAIL
  }
}
