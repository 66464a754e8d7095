import SystemPackage
import Tenant

struct WarmPool: Sendable {
  var layout: SandboxLayout
  var repository: SandboxName

  func take(commit: ObjectID, common: FilePath, into tree: FilePath, index: FilePath) throws -> Bool { false }
}
