import CLinux
import Glibc
import SystemPackage

/// What the kernel's Landlock offers, as its ABI number says.
package enum LandlockSupport {
  /// Below 2 (kernel 5.19) every rename into another directory fails, which breaks git and editors: not used at all.
  package static let leastABI = 2
  /// Truncation is covered from 3 (kernel 6.2).
  package static let truncationABI = 3
  /// Abstract sockets and signals can be scoped from 6 (kernel 6.12).
  package static let scopeABI = 6

  /// 0 where the kernel has none, or has it switched off.
  package static var abi: Int { max(0, Int(clinux_landlock_abi())) }
}

/// Whether a tenant's processes are held by it; the words are those of the configuration.
package enum LandlockChoice: String, Hashable, Sendable {
  /// On for a tenant with a user of its own, where the kernel can.
  case automatic = "auto"
  case on
  /// For a runner that makes a sandbox of its own by mounting: the kernel forbids that inside Landlock.
  case off
}

/// The kernel's numbers for file rights. They are written out because a header may be older than the kernel.
private enum FileRight {
  static let execute: UInt64 = 1 << 0
  static let writeFile: UInt64 = 1 << 1
  static let readFile: UInt64 = 1 << 2
  static let readDirectory: UInt64 = 1 << 3
  /// Bits 4 to 12: remove and make entries of every kind.
  static let entries: UInt64 = 0x1ff0
  static let refer: UInt64 = 1 << 13
  static let truncate: UInt64 = 1 << 14

  /// The rights that a rule on something else than a directory may give.
  static let ofFiles = execute | writeFile | readFile | truncate

  static func handled(abi: Int) -> UInt64 {
    let base = execute | writeFile | readFile | readDirectory | entries | refer
    return abi >= LandlockSupport.truncationABI ? base | truncate : base
  }

  static func of(_ access: ConfineSpec.Landlock.Access) -> UInt64 {
    switch access {
    case .read: execute | readFile | readDirectory
    case .modify: writeFile | readFile | readDirectory | truncate
    case .write: execute | writeFile | readFile | readDirectory | entries | refer | truncate
    }
  }
}

extension ConfineSpec.Landlock {
  /// `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET`
  private static let scopeAbstractSockets: UInt64 = 1

  /// Gives up every file right that no rule allows, for this process and all it starts. Rules are opened by the user we are now.
  func apply() throws(ConfineError) {
    let abi = LandlockSupport.abi
    guard abi >= LandlockSupport.leastABI else {
      throw ConfineError(step: "apply Landlock", reason: "this kernel does not have it")
    }
    let handled = FileRight.handled(abi: abi)
    let scoped = scopedSockets && abi >= LandlockSupport.scopeABI ? Self.scopeAbstractSockets : 0
    let raw = clinux_landlock_create_scoped(handled, scoped)
    guard raw >= 0 else { throw .last("make a Landlock ruleset") }
    let ruleset = OwnedDescriptor(owning: raw)
    for rule in rules { try rule.add(to: ruleset, handled: handled) }
    guard clinux_landlock_restrict(ruleset.raw) == 0 else { throw .last("apply Landlock") }
  }
}

extension ConfineSpec.Landlock.Rule {
  fileprivate func add(to ruleset: borrowing OwnedDescriptor, handled: UInt64) throws(ConfineError) {
    let place: OwnedDescriptor
    do throws(HostError) {
      // Opening has no effect on a FIFO or a device that someone planted.
      place = try RootsLinks.open(path)
    } catch {
      // What is to be written must not silently be less than what the configuration says, or more.
      if error.errno == ELOOP, required || access == .write {
        throw ConfineError(step: "allow \(path)", reason: RootsLinks.refusal)
      }
      guard required else { return }
      throw ConfineError(step: "allow \(path)", reason: "\(error)")
    }
    var status = stat()
    guard unsafe fstat(place.raw, &status) == 0 else { throw .last("allow \(path)") }
    var rights = FileRight.of(access) & handled
    if status.st_mode & S_IFMT != S_IFDIR { rights &= FileRight.ofFiles }
    guard clinux_landlock_allow(ruleset.raw, place.raw, rights) == 0 else { throw .last("allow \(path)") }
  }
}
