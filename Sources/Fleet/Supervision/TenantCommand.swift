import Glibc
import SystemPackage
import Tenant

struct TenantUserShim { var uid: UInt32; var name: String }
final class ConfinementStandIn: Sendable {
  var isolation: FleetDocument.Isolation { .shared }
  var ownUser: String { "me" }
  func user(of tenant: SupervisedTenant) throws -> TenantUserShim { TenantUserShim(uid: getuid(), name: "me") }
  func guards() -> [FleetDocument.Guard] { [] }
}
extension Supervisor {
  func command(
    _ tenant: SupervisedTenant, _ work: TenantWork, _ arguments: [String], program: FilePath? = nil
  ) async throws -> Spawn {
    var env = HostEnvironment.current()
    env["LOOOP_DATA_DIR"] = tenant.configuration.dataDirectory.string
    var spawn = Spawn(program ?? programs.looop, arguments, environment: env, directory: "/")
    spawn.newSession = true
    return spawn
  }
  func suspend(_ name: String, _ frozen: Bool) async {}
  func announce(_ asks: [TenantReport.Ask], of name: String) {}
}
enum TenantWork: Hashable, Sendable { case beat, helper, worker(String), git }
