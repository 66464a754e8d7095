import ArgumentParser
import Fleet
import Glibc
import SystemPackage
import Tenant

/// What every command takes, and what it means: which fleet.
struct CommonOptions: ParsableArguments {
  @Option(name: .customLong("config"), help: "The configuration directory (also LOOOP_FLEET_CONFIG).")
  var configurationDirectory: String?

  var environment: HostEnvironment { .current() }

  func paths() throws -> FleetPaths {
    try FleetPaths(
      environment: environment, userID: geteuid(), option: configurationDirectory.map { Self.absolute($0).string })
  }

  func client() throws -> ControlClient {
    ControlClient(socket: ControlSocket.find(paths: try paths(), environment: environment))
  }

  /// A path as it was typed here.
  static func absolute(_ text: String) -> FilePath {
    let path = FilePath(text)
    guard !path.isAbsolute, let here = getcwd(nil, 0) else { return path.lexicallyNormalized() }
    defer { free(here) }
    return FilePath(platformString: here).pushing(path).lexicallyNormalized()
  }
}

/// `TENANT/ID`, as the mailbox and the workers' list print it.
struct TenantScopedID: ExpressibleByArgument {
  var tenant: String
  var id: String

  init?(argument: String) {
    guard let slash = argument.firstIndex(of: "/"), slash != argument.startIndex,
      argument.index(after: slash) != argument.endIndex
    else { return nil }
    tenant = String(argument[..<slash])
    id = String(argument[argument.index(after: slash)...])
  }

  var path: String { "\(PercentEncoding.encode(tenant))/\(PercentEncoding.encode(id))" }
  var description: String { Display.line("\(tenant)/\(id)") }
}
