/// Names of the environment that nobody may set for a tenant's processes. They are started by root, before they confine
/// themselves, and these make the dynamic linker, libc, the shell or the Swift runtime load or run what they name; the last ones
/// are the fleet's own to set.
package enum ReservedVariables {
  private static let prefixes = ["LD_", "SWIFT_", "MALLOC_"]
  private static let names: Set<String> = [
    "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NIS_PATH", "NLSPATH",
    "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR", "BASH_ENV", "ENV", "LOOOP_DATA_DIR", "LOOOP_TENANT", "LOOOP_WORKER",
    "LOOOP_FLEET_SOCKET",
  ]

  /// True for what is no name at all, too.
  package static func contains(_ name: String) -> Bool {
    name.isEmpty || name.contains("=") || name.contains("\0") || names.contains(name)
      || prefixes.contains { name.hasPrefix($0) }
  }
}
