import ArgumentParser
import Tenant

/// `screenshot`: what a session's terminal shows.
struct ScreenshotVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "screenshot", abstract: "Show a session's screen (a worker's, or `pulse`).", aliases: ["ss"])

  @Argument(help: "The session.", completion: Completions.sessions) var id: String
  @Flag(help: "With colours.") var ansi = false
  @Flag(help: "Cell by cell, as JSON.") var json = false
  @Flag(help: "As text (the default).") var plain = false
  @Flag(help: "Keep blank rows at the end.") var noTrim = false

  func validate() throws {
    if [ansi, json, plain].count(where: { $0 }) > 1 {
      throw ValidationError("--ansi, --json and --plain exclude each other")
    }
  }

  mutating func perform(in context: Context) throws -> Int32 {
    let format: ScreenshotFormat = json ? .json : ansi ? .ansi : .plain
    context.printer.line(try SessionReplay.screenshot(id, in: context.data, format, trim: !noTrim))
    return ExitStatus.done
  }
}
