import ArgumentParser
import Fleet
import Tenant

struct SandboxDiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "What a worker changed: as its worktree stands, as it was parked, or as its branch was left.")

  @Argument(help: "The worker: TENANT/ID.") var worker: TenantScopedID
  @Flag(help: "Without the patch.") var stat = false
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let answer = try await common.client().get("/v1/sandboxes/\(worker.path)/diff", timeout: .seconds(120))
    if json { return Printer.standard.json(answer) }
    guard let diff = SandboxDiff(json: answer, tenant: worker.tenant, worker: worker.id) else {
      throw FleetRefusal.unknownShape("the fleet's answer")
    }
    Printer.standard.lines(SandboxText.diff(diff, paint: Printer.standard.paint))
    if !stat, !diff.patch.isEmpty {
      // A file for `git apply` gets it as it is; a terminal must not obey what a worker wrote.
      if Printer.standard.size == nil {
        Printer.standard.raw(diff.patch)
      } else {
        Printer.standard.lines(Display.block(diff.patch))
      }
    }
    if !stat, diff.isCut {
      Printer.standard.note(
        "the patch was cut after 1 MiB" + (diff.command.map { "; `\(Display.line($0))` prints all of it" } ?? ""))
    }
  }
}

struct SandboxLand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "land",
    abstract: "Bring a worker's commits into the source repository, by fast-forward or not at all.")

  @Argument(help: "The worker: TENANT/ID.") var worker: TenantScopedID
  @Option(help: "The source's branch to move; left out: the one that it is on.") var into: String?
  @Flag(help: "Only say what would be landed, or why not.") var dryRun = false
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let answer = try await common.client().post(
      "/v1/sandboxes/\(worker.path)/land", ["into": .optional(into), "dry_run": .bool(dryRun)], timeout: .seconds(120))
    if json { return Printer.standard.json(answer) }
    guard let landed = SandboxLanded(json: answer, tenant: worker.tenant, worker: worker.id) else {
      throw FleetRefusal.unknownShape("the fleet's answer")
    }
    Printer.standard.lines(SandboxText.landed(landed))
    if landed.unsaved > 0 {
      let files = landed.unsaved == 1 ? "1 change is" : "\(landed.unsaved) changes are"
      Printer.standard.note("\(files) in no commit and \(landed.isDryRun ? "would not be" : "not") landed")
    }
    if dryRun { Printer.standard.note("nothing was changed (--dry-run)") }
  }
}

struct SandboxRestore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a worktree of parked work again, to the byte. The parked ref stays.",
    discussion: """
      The worktree is kept until you give it back: git worktree unlock PATH, then `looop-fleet sandbox prune`. A worker that is \
      started under the same name goes on in it.
      """)

  @Argument(help: "The parked work, as `sandboxes` names it: TENANT/ID.") var worker: TenantScopedID
  @Option(name: .customLong("as"), help: "Under another name.") var name: String?
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let answer = try await common.client().post(
      "/v1/sandboxes/\(worker.path)/restore", ["as": .optional(name)], timeout: .seconds(120))
    if json { return Printer.standard.json(answer) }
    Printer.standard.lines(SandboxText.restored(answer))
  }
}
