import Logging
import SystemPackage
import Tenant

/// What the supervisor keeps of sandboxes on its own disk: the measure of the audits, and who has which ports. Whatever waits for
/// the disk does so on a thread of its own.
extension Supervisor {
  func baseline(_ repo: String, _ tenant: TenantID) async -> AuditBaselines.Reading {
    let baselines = baselines
    return await Threads.run { baselines.read(tenant, repo) }
  }

  /// Answers why it could not be stored.
  func changeBaseline(
    _ repo: String, _ tenant: TenantID, _ change: @escaping @Sendable (inout RepositoryBaseline) -> Void
  ) async -> String? {
    let baselines = baselines
    return await Threads.run { baselines.change(tenant, repo, change) }
  }

  func leasePorts(
    _ worker: String, of tenant: SupervisedTenant
  ) async -> Result<PortLeases.Block?, SandboxRefusal> {
    let (ports, count, range) = (ports, tenant.configuration.sandboxes.ports, fleet.ports)
    guard count > 0 else { return .success(nil) }
    let holder = "\(tenant.id)/\(worker)"
    return await Threads.run {
      do throws(HostError) {
        if let block = try ports.lease(holder, count: count, in: range) { return .success(block) }
        return .failure(
          SandboxRefusal(
            message: "no \(count) ports in a row are free from \(range.lowerBound) to \(range.upperBound)",
            hint: "widen `port_range` in fleet.yaml, or lower `ports` below `sandboxes:`"))
      } catch {
        return .failure(SandboxRefusal(message: "its ports cannot be noted: \(error)"))
      }
    }
  }

  func releasePorts(_ worker: String, of name: String) async {
    await changePorts { $0.release("\(name)/\(worker)") }
  }

  func portBlock(_ worker: String, of name: String) async -> PortLeases.Block? {
    let (ports, holder) = (ports, "\(name)/\(worker)")
    return await Threads.run { ports.block(of: holder) }
  }

  func changePorts(_ change: @escaping @Sendable (inout PortLeases) -> Void) async {
    let ports = ports
    // A release that cannot be written is repeated by the next tending.
    await Threads.run { try? ports.change(change) }
  }
}
