import ArgumentParser
import Glibc
import Tenant

/// `down`: the pulse first, so that it starts nothing new, then every worker. It never claims a clean stop that it has not
/// seen.
struct DownVerb: Verb {
  static let configuration = CommandConfiguration(commandName: "down", abstract: "Stop the loop and all workers.")

  static let patience = 2.0

  mutating func perform(in context: Context) throws -> Int32 {
    try FleetMark.refuse(context, verb: "down")
    let pulseStopped = try stopPulse(context)
    try stopWorkers(context)
    if try Sessions.list(context.data).contains(where: { $0.isPulse && !$0.isAlive }) {
      try Directory.removeTree(context.data.session(Session.pulse))
    }
    guard pulseStopped || !FileLock.isHeld(context.data.pulseLock) else {
      throw Failure(
        "a pulse still runs\(UpVerb.foreignPid(context.data)): `up` did not start it",
        hint: "end it where it was started")
    }
    context.printer.line(pulseStopped ? "looop: pulse stopped" : "looop: pulse not running")
    return ExitStatus.done
  }

  private func stopPulse(_ context: Context) throws -> Bool {
    guard try Sessions.list(context.data).contains(where: { $0.isPulse && $0.isAlive }) else { return false }
    try end(Session.pulse, context)
    guard gone([Session.pulse], context) else {
      throw Failure("the pulse does not end; the workers were left alone", hint: "looop screenshot pulse")
    }
    return true
  }

  private func stopWorkers(_ context: Context) throws {
    let workers = try Sessions.list(context.data).filter { !$0.isPulse && $0.isAlive }.map(\.id)
    guard !workers.isEmpty else { return }
    for id in workers { try end(id, context) }
    guard gone(workers, context) else {
      let left = workers.filter { Sessions.isAlive($0, in: context.data) }
      throw Failure("still running: \(left.joined(separator: ", "))")
    }
    context.printer.line(
      "looop: stopped \(workers.count) worker\(workers.count == 1 ? "" : "s") (\(workers.joined(separator: ", ")))")
  }

  /// One that ended by itself meanwhile is as good as stopped.
  private func end(_ id: String, _ context: Context) throws {
    do {
      try SessionControl(context.data).kill(id)
      if id != Session.pulse { Tells(context.data).discard(id) }
    } catch {
      if Sessions.isAlive(id, in: context.data) { throw error }
    }
  }

  private func gone(_ ids: [String], _ context: Context) -> Bool {
    let end = context.clock.monotonic() + Self.patience
    repeat {
      if !ids.contains(where: { Sessions.isAlive($0, in: context.data) }) { return true }
      usleep(10_000)
    } while context.clock.monotonic() < end
    return false
  }
}
