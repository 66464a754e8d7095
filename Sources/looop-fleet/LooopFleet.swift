import ArgumentParser
import Tenant

/// The command list, and nothing else.
struct LooopFleet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "looop-fleet",
    abstract: "Run many looop tenants on one host: budgets, quotas, sandboxes, one mailbox.",
    discussion: """
      First steps: `looop-fleet init`, `looop-fleet tenant add NAME --data-dir DIR`, `looop-fleet up`, `looop-fleet status`.

      Exit status: 0 done; 1 refused or failed; 3 the fleet is not running; 64 usage. `status`: 1 some tenant is held, degraded, \
      quarantined or foreign. `answer`: 4 already answered, 5 no such ask.
      """,
    version: Version.current,
    groupedSubcommands: [
      CommandGroup(
        name: "Fleet",
        subcommands: [
          InitCommand.self, ServeCommand.self, UpCommand.self, DownCommand.self, ReloadCommand.self, DoctorCommand.self,
        ]),
      CommandGroup(name: "Look", subcommands: [StatusCommand.self, LogsCommand.self, AuditCommand.self]),
      CommandGroup(name: "Mailbox", subcommands: [AsksCommand.self, AnswerCommand.self, WaitCommand.self]),
      CommandGroup(
        name: "Tenants and work",
        subcommands: [
          TenantCommand.self, WorkersCommand.self, WorkerCommand.self, SandboxesCommand.self, SandboxCommand.self,
        ]),
      CommandGroup(name: "Limits", subcommands: [BudgetCommand.self, FreezeCommand.self, ThawCommand.self]),
      CommandGroup(name: "Other", subcommands: [VersionCommand.self]),
    ])
}
