import CLinux
import Glibc
package import SystemPackage
import Tenant

/// A worker's own view of the machine, made by `bwrap` (`workers: { bubblewrap: true }`): its own `/proc`, `/tmp` and `/dev`, the
/// system read-only, and of everything else only what is the tenant's. Where Landlock denies, here there is nothing to be denied.
///
/// It takes Landlock's place for the worker, because the kernel lets nobody mount inside Landlock; for the same reason a runner
/// that makes a sandbox of its own (codex) works in here. The worker's session stands outside and is what holds it.
package enum Bubblewrap {
  /// Never looked up in `PATH`.
  package static let program: FilePath = "/usr/bin/bwrap"

  /// Why it cannot be used here, as far as the file itself tells.
  package static func problem(_ program: FilePath = program) -> String? {
    var status = stat()
    guard unsafe program.withPlatformString({ unsafe stat($0, &status) }) == 0 else {
      return "\(program) is not there"
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o111 != 0 else { return "\(program) is no program" }
    // Who can write it decides what the guard is.
    guard status.st_uid == 0, status.st_mode & 0o022 == 0 else {
      return "\(program) can be changed by others than root"
    }
    return nil
  }

  /// The words before the command that is to run inside. Pure.
  /// - `looop`: opens the places before bwrap does (``BoundPlaces``). `tools`: directories of our own binaries.
  package static func words(for tenant: ConfinedTenant, looop: FilePath, tools: [FilePath]) -> [String] {
    var words = [
      looop.string, "_", "bind", "--",
      // No more namespaces than the unit allows.
      program.string, "--unshare-user", "--unshare-pid", "--die-with-parent", "--proc", "/proc", "--dev", "/dev",
      "--tmpfs", "/tmp", "--tmpfs", "/var/tmp",
    ]
    func bind(_ option: String, _ path: FilePath) { words += [option, path.string, path.string] }
    for path in LandlockPolicy.system + tools + tenant.readable { bind("--ro-bind-try", path) }
    // From the outside in: a place below another one is bound over it.
    if let home = tenant.user.home {
      for path in LandlockPolicy.readable(home, of: tenant) { bind("--ro-bind-try", path) }
    }
    bind("--bind", tenant.resolvedRunnerHome)
    bind("--bind", tenant.dataDirectory)
    if let sandboxes = tenant.sandboxes { bind("--bind-try", sandboxes) }
    for place in tenant.repositories + tenant.writable { bind("--bind-try", place) }
    return words + ["--chdir", tenant.dataDirectory.string, "--"]
  }
}

extension Confinement {
  /// What a worker's command is started within: nothing for most tenants. Throws where a tenant wants it and this host does not
  /// give it: such a worker must not run without.
  package func within(worker tenant: ConfinedTenant) throws(ConfinementProblem) -> [String] {
    guard tenant.bubblewrap else { return [] }
    if let problem = bubblewrapProblem {
      throw ConfinementProblem(
        message: "tenant \(tenant.name) wants its workers in bubblewrap: \(problem)", hint: GuardReport.bubblewrapHint)
    }
    return Bubblewrap.words(for: tenant, looop: options.looop, tools: policy.tools)
  }

  /// Looked at anew each time: it may be installed, or go, while the fleet runs.
  var bubblewrapProblem: String? {
    if let problem = Bubblewrap.problem() { return problem }
    if case .broken(let why)? = findings["bubblewrap"] { return why }
    return nil
  }
}
