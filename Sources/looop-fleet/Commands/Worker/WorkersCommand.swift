import ArgumentParser
import Fleet
import Tenant

struct WorkersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workers", abstract: "The workers of all tenants, and those that wait for a place.")

  @Option(help: "Only this tenant's.") var tenant: String?
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let rows = try await common.client().get("/v1/workers", query: tenant.map { [("tenant", $0)] } ?? [])
    if json { return Printer.standard.json(rows) }
    let workers = (rows.array ?? []).compactMap(WorkerRow.init(json:))
    guard !workers.isEmpty else { return Printer.standard.line("no workers") }
    let table = WorkerTable(workers: workers, now: HostClock.system.now)
    Printer.standard.lines(table.lines(width: Printer.standard.width, paint: Printer.standard.paint))
  }
}

struct WorkerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Act on one worker.", subcommands: [WorkerKill.self])
}

struct WorkerKill: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kill", abstract: "Stop a worker with all its processes; its work is kept.")

  @Argument(help: "The worker: TENANT/ID.") var worker: TenantScopedID
  @OptionGroup var common: CommonOptions

  func run() async throws {
    _ = try await common.client().post("/v1/workers/\(worker.path)/kill")
    Printer.standard.line("\(worker.description): stopped")
  }
}
