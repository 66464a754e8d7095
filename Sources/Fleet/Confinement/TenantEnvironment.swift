package import SystemPackage
package import Tenant

/// The environment that a tenant's processes get: made up from nothing, with a short list of names that may come from the
/// supervisor's own. So no secret that the supervisor was started with can reach a tenant, not even by `/proc/PID/environ`.
package enum TenantEnvironment {
  /// Where the supervisor's own value is passed on: how to talk to people, to clocks and to the network, never who one is.
  package static let inherited = [
    "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_TIME", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "NO_PROXY", "no_proxy",
  ]
  /// Passed on only where no login stands in the address.
  package static let inheritedProxies = [
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
  ]

  package static let systemPath = "/usr/local/bin:/usr/bin:/bin"

  /// Names that an operator cannot set for a tenant.
  package static func isReserved(_ name: String) -> Bool { ReservedVariables.contains(name) }

  /// - `socket`: the fleet's control socket, so that `looop --tenant` finds it.
  /// - `ownUser`: the tenant has a Unix user of its own, so nothing personal of the supervisor's user goes along.
  package static func environment(
    for work: ConfinedWork, supervisor: HostEnvironment, looop: FilePath, socket: FilePath?, ownUser: Bool
  ) -> HostEnvironment {
    let tenant = work.tenant
    let home = tenant.resolvedRunnerHome
    var values: [String: String] = [:]
    for name in inherited { values[name] = supervisor[name] }
    for name in inheritedProxies {
      if let proxy = supervisor[name], !proxy.contains("@") { values[name] = proxy }
    }
    values["LANG"] = values["LANG"] ?? "C.UTF-8"
    let userHome = tenant.user.home ?? home
    values["PATH"] = path(userHome: userHome, supervisor: ownUser ? nil : supervisor["PATH"])
    for (name, folder) in caches { values[name] = home.appending(folder).string }
    for (name, value) in tenant.environment where !isReserved(name) { values[name] = value }

    values["HOME"] = userHome.string
    values["USER"] = tenant.user.name
    values["LOGNAME"] = tenant.user.name
    values["SHELL"] = "/bin/bash"
    for name in ["TMPDIR", "TMP", "TEMP", "CLAUDE_CODE_TMPDIR"] { values[name] = tenant.temporaryDirectory.string }
    for (name, folder) in runnerHomes { values[name] = home.appending(folder).string }

    values["LOOOP_BIN"] = looop.string
    values["LOOOP_DATA_DIR"] = tenant.dataDirectory.string
    // These two are also the marks by which processes are found where there are no control groups.
    values["LOOOP_TENANT"] = tenant.name
    if let id = work.workerID { values["LOOOP_WORKER"] = id }
    if let socket { values["LOOOP_FLEET_SOCKET"] = socket.string }
    return HostEnvironment(values)
  }

  /// Each runner's own variable for where it keeps logins, transcripts and caches.
  package static let runnerHomes = [
    "CLAUDE_CONFIG_DIR": "claude", "CODEX_HOME": "codex", "PI_CODING_AGENT_DIR": "pi", "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache",
  ]

  /// Of tools that keep what they download in the user's home whatever `XDG_CACHE_HOME` says, and cannot write there under Landlock. An
  /// operator may set them otherwise.
  static let caches = [
    "npm_config_cache": "cache/npm", "CARGO_HOME": "cache/cargo", "GOPATH": "cache/go",
    "GRADLE_USER_HOME": "cache/gradle",
  ]

  /// The directories that must be there before a runner starts: codex, for one, refuses a `CODEX_HOME` that is not.
  package static func directories(for tenant: ConfinedTenant) -> [FilePath] {
    [tenant.temporaryDirectory] + runnerHomes.values.sorted().map { tenant.resolvedRunnerHome.appending($0) }
  }

  private static func path(userHome: FilePath, supervisor: String?) -> String {
    supervisor ?? "\(userHome.appending(".local/bin")):\(systemPath)"
  }
}
