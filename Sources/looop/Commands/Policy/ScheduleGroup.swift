import ArgumentParser
import SystemPackage
import Tenant

/// `schedule`: reminders that wake the loop.
struct ScheduleGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule", abstract: "Wake the loop at a time.",
    subcommands: [ScheduleWrite.self, ScheduleRemove.self, ScheduleList.self])
}

struct ScheduleWrite: Verb {
  static let configuration = CommandConfiguration(
    commandName: "write", abstract: "Create or replace a schedule.", aliases: ["w"])

  @Argument(help: "The schedule's name.", completion: Completions.schedules) var name: String
  @Option(name: .customLong("in"), help: "Once, in so many seconds.") var after: Int64?
  @Option(help: "Every so many seconds (at least \(Schedule.minimumPeriod)).") var every: Int64?
  @Option(help: "A note for that time.") var note: String?
  @Option(help: "The journal line, instead of the automatic one.") var journal: String?

  func validate() throws {
    switch (after, every) {
    case (nil, nil): throw ValidationError("say when: --in SECONDS or --every SECONDS")
    case (_?, _?): throw ValidationError("--in and --every exclude each other")
    case (let seconds?, nil) where seconds < 1: throw ValidationError("--in must be at least 1")
    case (nil, let seconds?) where seconds < Schedule.minimumPeriod:
      throw ValidationError("--every must be at least \(Schedule.minimumPeriod)")
    default: break
    }
  }

  mutating func perform(in context: Context) throws -> Int32 {
    let trigger = after.map { ScheduleTrigger.after(seconds: $0) } ?? .every(seconds: every ?? 0)
    let action = Action.writeSchedule(name: name, trigger: trigger, note: note)
    try ManualMove.carryOut(action, journal: journal, context)
    context.printer.line(
      after.map { "write-schedule \(name) (one-shot, due in \($0)s)" }
        ?? "write-schedule \(name) (recurring, every \(every ?? 0)s)")
    return ExitStatus.done
  }
}

struct ScheduleRemove: Verb {
  static let configuration = CommandConfiguration(
    commandName: "rm", abstract: "Drop a schedule; an absent one is fine.")

  @Argument(help: "The schedule's name.", completion: Completions.schedules) var name: String
  @Option(help: "The journal line, instead of the automatic one.") var journal: String?

  mutating func perform(in context: Context) throws -> Int32 {
    try ManualMove.carryOut(.dropSchedule(name: name), journal: journal, context)
    context.printer.line("drop-schedule \(name)")
    return ExitStatus.done
  }
}

struct ScheduleList: Verb {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the schedules.", aliases: ["ls"])

  @Flag(help: "One JSON object.") var json = false

  mutating func perform(in context: Context) throws -> Int32 {
    let names = try Directory.stems(context.data.schedules, extension: "json")
    var records: [String: JSON] = [:]
    var lines: [String] = []
    for name in names {
      let file = StateFile.read(context.data.schedules.appending("\(name).json"))
      if case .absent = file { continue }
      let schedule = Schedule(file)
      switch schedule {
      case .invalid(let reason), .unparseable(let reason):
        context.printer.warn("schedule.broken", "schedules/\(name).json: \(reason)")
      case .once, .every: break
      }
      records[name] = file.value ?? .null
      let now = context.clock.now
      lines.append("\(name)\t\(schedule.signal(now: now).compact)\t\(schedule.detail(now: now).compact)")
    }
    if json {
      context.printer.compact(.object(records))
    } else {
      context.printer.line(lines.isEmpty ? "(no schedules)" : lines.joined(separator: "\n"))
    }
    return ExitStatus.done
  }
}
