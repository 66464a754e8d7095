import ArgumentParser
import Tenant

/// The command list: every verb of `looop`, in the order of its help.
struct Looop: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "looop",
    abstract: "A control loop for LLM agents: sense the world, decide one move, act.",
    discussion: """
      Every verb may also be spelled `looop _ VERB`. `looop --tenant NAME VERB` works on a tenant of a fleet.
      `looop help` is the manual.
      """,
    version: "looop \(Version.current)",
    groupedSubcommands: [
      CommandGroup(
        name: "Run the loop", subcommands: [InitVerb.self, UpVerb.self, DownVerb.self, PulseVerb.self, BeatVerb.self]),
      CommandGroup(
        name: "See", subcommands: [StateVerb.self, WaitVerb.self, WatchVerb.self, CostVerb.self, LimitsVerb.self]),
      CommandGroup(name: "Answer", subcommands: [AsksVerb.self, AnswerVerb.self]),
      CommandGroup(
        name: "Steer",
        subcommands: [
          GoalGroup.self, PlaybookGroup.self, SensorGroup.self, ScheduleGroup.self, RunVerb.self,
        ]),
      CommandGroup(
        name: "Workers",
        subcommands: [
          WorkerGroup.self, KillVerb.self, ScreenshotVerb.self, TellVerb.self, AskVerb.self, ToldVerb.self,
          ClaimVerb.self, UnclaimVerb.self,
        ]),
      CommandGroup(name: "Shell", subcommands: [ConfigGroup.self, VersionVerb.self]),
      CommandGroup(
        name: "For the fleet", subcommands: [ReportVerb.self, HoldVerb.self, ReleaseVerb.self, UsageVerb.self]),
    ])
}

struct VersionVerb: Verb {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  mutating func perform(in context: Context) throws -> Int32 {
    context.printer.line("looop \(Version.current)")
    return ExitStatus.done
  }
}
