import ArgumentParser
import Fleet
import Tenant

struct SandboxesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandboxes", abstract: "The worktrees of all workers, and why each is kept (also: sandbox list).")

  @OptionGroup var list: SandboxList

  func run() async throws { try await list.run() }
}

struct SandboxCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandbox", abstract: "Look at worktrees, and bring their work home.",
    subcommands: [
      SandboxList.self, SandboxDiffCommand.self, SandboxLand.self, SandboxRestore.self, SandboxPrune.self,
      SandboxPreflight.self,
    ])
}

struct SandboxList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The worktrees of all workers, and why each is kept.")

  @Option(help: "Only this tenant's.") var tenant: String?
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let rows = try await common.client().get(
      "/v1/sandboxes", query: tenant.map { [("tenant", $0)] } ?? [], timeout: .seconds(120))
    if json { return Printer.standard.json(rows) }
    guard let sandboxes = rows.array, !sandboxes.isEmpty else { return Printer.standard.line("no sandboxes") }
    Printer.standard.lines(
      SandboxTable.lines(sandboxes, width: Printer.standard.width, paint: Printer.standard.paint))
  }
}

struct SandboxPrune: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Remove worktrees that nobody needs. Unsaved work is parked first, never deleted.")

  @Option(help: "Only this tenant's.") var tenant: String?
  @Flag(help: "Only say what would become of each, and why.") var dryRun = false
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let query = tenant.map { [("tenant", $0)] } ?? []
    let answer = try await common.client().post(
      "/v1/prune", query: query + (dryRun ? [("dry_run", "1")] : []), timeout: .seconds(600))
    if json { return Printer.standard.json(answer) }
    let rows = answer["sandboxes"]?.array ?? []
    guard !rows.isEmpty else { return Printer.standard.line("nothing to remove") }
    Printer.standard.lines(SandboxTable.pruned(rows, width: Printer.standard.width, paint: Printer.standard.paint))
    if dryRun { Printer.standard.note("nothing was changed (--dry-run)") }
  }
}

struct SandboxPreflight: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preflight", abstract: "What to know of a repository before workers get worktrees of it.",
    discussion: "Exit status: 1 where no worktree can be made of it.")

  @Argument(help: "The repository: TENANT/REPO.") var repository: TenantScopedID
  @Option(help: "Of this branch, tag or commit; left out: HEAD.") var base: String?
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let (tenant, repo) = (PercentEncoding.encode(repository.tenant), PercentEncoding.encode(repository.id))
    let answer = try await common.client().get(
      "/v1/tenants/\(tenant)/repos/\(repo)/preflight", query: base.map { [("base", $0)] } ?? [], timeout: .seconds(120))
    let report = PreflightReport(json: answer, tenant: repository.tenant, repo: repository.id)
    if json {
      Printer.standard.json(answer)
    } else {
      Printer.standard.lines(SandboxText.preflight(report, paint: Printer.standard.paint))
    }
    if !report.isUsable { throw ExitStatus.refused }
  }
}
