import Glibc
import SystemPackage
package import Tenant

/// A worker that was started before its loop became a tenant runs outside of the fleet's control groups: freezing and stopping the tenant,
/// its limits and its figures would miss it.
extension Confinement {
  package enum Adoption: Hashable, Sendable {
    /// The fleet started it, or it is gone: there is nothing to do.
    case notNeeded
    /// So many processes are in its group now.
    case moved(Int)
    /// Not all of it could be brought in, in words.
    case partly(String)
  }

  /// Brings a session and all that descends from it into its worker's group. What a tenant says about pids is only its word: nobody is
  /// moved who is not its user's, and nobody who is in a group of the fleet already.
  package func adopt(worker id: String, of tenant: ConfinedTenant, leader: ProcessIdentity) -> Adoption {
    let group = ControlGroup.worker(id, of: tenant.name)
    guard groups.offer.hasGroups, leader.isAlive, !groups.holds(leader.pid) else { return .notNeeded }
    do throws(HostError) {
      try prepare(worker: id, of: tenant)
    } catch {
      return .partly("\(error)")
    }
    let walk = ProcessWalk(marks: [], roots: [leader])
    var (reached, moved): (Set<ProcessIdentity>, Int) = ([], 0)
    var problem: String?
    // One that was not reached yet may have started another meanwhile.
    for _ in 0..<Self.mostWalks {
      let new = walk.find().filter { reached.insert($0).inserted && !groups.holds($0.pid) }
      if new.isEmpty { break }
      for process in new {
        guard ProcessWalk.owner(of: process.pid) == tenant.user.uid else {
          if process.isAlive { problem = "process \(process.pid) of it runs as somebody else" }
          continue
        }
        do throws(HostError) {
          // Nobody else can have got the number between this look and the next line: numbers come round after all others.
          guard process.isAlive else { continue }
          try groups.move(process.pid, to: group)
          moved += 1
        } catch {
          if process.isAlive { problem = "\(error)" }
        }
      }
    }
    if let problem { return .partly(problem) }
    return moved > 0 ? .moved(moved) : .notNeeded
  }

  private static let mostWalks = 50
}
