package import SystemPackage
package import Tenant

/// Which files a tenant's processes may touch, as Landlock rules: what is the tenant's own can be written, the system can be
/// read, and nothing else can be opened or listed, be it the fleet's or another tenant's. Unix permissions go on to hold as well.
///
/// Its own is what the fleet gave it to work in. The user's home is not: who writes there has a shell's start files, keys and the
/// first directory of `PATH`, and with them whatever the user does beside the fleet.
package enum LandlockPolicy {
  /// Read-only: programs, libraries, settings, the kernel's view of the machine.
  static let system: [FilePath] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/snap", "/nix/store", "/gnu/store",
    "/run/current-system", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/nscd", "/sys",
    "/var/lib/dpkg", "/var/lib/ca-certificates", "/var/cache/fontconfig",
  ]

  /// Existing files may be written, none made: terminals, `/dev/null`, `/proc/self/…`.
  static let modified: [FilePath] = ["/dev", "/proc"]

  /// Shared memory of POSIX semaphores and of browsers; other users' files in there are closed by their permissions.
  static let sharedMemory: FilePath = "/dev/shm"

  /// - `tools`: directories of our own binaries, where they are not in the system's.
  package static func rules(for work: ConfinedWork, tools: [FilePath], abi: Int) -> ConfineSpec.Landlock {
    let tenant = work.tenant
    var rules: [ConfineSpec.Landlock.Rule] = []
    for path in system + tools + tenant.readable { rules.append(.init(path, .read)) }
    for path in modified { rules.append(.init(path, .modify)) }
    rules.append(.init(sharedMemory, .write))
    rules.append(.init(tenant.dataDirectory, .write, required: true))
    rules.append(.init(tenant.resolvedRunnerHome, .write, required: true))
    if let home = tenant.user.home { for path in readable(home, of: tenant) { rules.append(.init(path, .read)) } }
    if let sandboxes = tenant.sandboxes { rules.append(.init(sandboxes, .write)) }
    // A worktree's index and refs lie in its repository; whether the tenant may write there is the repository's permissions.
    for place in tenant.repositories + tenant.writable { rules.append(.init(place, .write)) }
    return ConfineSpec.Landlock(rules: rules, scopedSockets: abi >= LandlockSupport.scopeABI)
  }

  /// Of a user's home. One that several tenants share is nobody's own: only what makes git and ssh work.
  static func readable(_ home: FilePath, of tenant: ConfinedTenant) -> [FilePath] {
    guard tenant.sharesUser else { return [home] }
    return [".gitconfig", ".config/git", ".local/bin", ".local/share/claude", ".ssh/known_hosts"].map {
      home.pushing(FilePath($0))
    }
  }
}
