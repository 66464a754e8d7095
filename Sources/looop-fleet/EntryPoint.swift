import ArgumentParser
import Fleet
import Glibc
import Tenant

/// Parses, runs, and turns whatever was thrown into one message, one hint and one exit status.
enum EntryPoint {
  static func run(_ words: [String]) async -> Never {
    // A reader that went away (`| head`) ends us quietly, with the shell's usual status.
    signal(SIGPIPE, SIG_DFL)
    do {
      var command = try LooopFleet.parseAsRoot(words)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      exit(ExitStatus.done.rawValue)
    } catch {
      exit(status(for: error, words))
    }
  }

  private static func status(for error: any Error, _ words: [String]) -> Int32 {
    switch error {
    case let status as ExitStatus: return status.rawValue
    case let refusal as FleetRefusal:
      Printer.standard.fail(refusal.message, hint: refusal.hint)
      return refusal.class.statuses.exit
    case let problem as ConfigurationProblem:
      Printer.standard.fail(problem.description, hint: problem.hint)
      return ExitStatus.refused.rawValue
    case is HostError, is FleetPathError:
      Printer.standard.fail("\(error)", hint: nil)
      return ExitStatus.refused.rawValue
    default:
      // The parser's own: the help that was asked for, and usage errors.
      guard LooopFleet.exitCode(for: error) != .success else { LooopFleet.exit(withError: error) }
      let (message, hint) = Usage.refusal(LooopFleet.message(for: error), words)
      Printer.standard.fail(message, hint: hint)
      return ExitStatus.usage.rawValue
    }
  }
}
