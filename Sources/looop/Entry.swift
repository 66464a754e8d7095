import ArgumentParser
import Glibc
import Tenant

/// One verb that does something (a group of verbs is a plain `ParsableCommand`).
protocol Verb: ParsableCommand {
  /// The answer is the exit status.
  mutating func perform(in context: Context) throws -> Int32
}

extension Verb {
  mutating func run() throws {
    throw ExitCode(try perform(in: try Context.current()))
  }
}

/// From the command line to the exit status.
enum Entry {
  static func run(_ commandLine: [String]) -> Int32 {
    // `looop state | head` dies quietly; a caller that ignores the signal must not change that.
    signal(SIGPIPE, SIG_DFL)
    let printer = Printer(
      format: getenv("LOOOP_LOG_FORMAT").map { String(cString: $0) } == "json" ? .json : .human,
      environment: HostEnvironment([:]))
    do {
      let invocation = try Invocation(commandLine)
      if let tenant = invocation.tenant {
        switch try TenantSelection.select(
          tenant, arguments: invocation.arguments, environment: .current(), printer: printer)
        {
        case .relayed(let status): return status
        case .local(let dataDir):
          setenv("LOOOP_DATA_DIR", dataDir, 1)
          unsetenv("LOOOP_CONFIG")
        }
      }
      return try dispatch(invocation.arguments)
    } catch {
      return report(error, printer)
    }
  }

  static func dispatch(_ arguments: [String]) throws -> Int32 {
    if let status = try HotVerbs.run(arguments) { return status }
    if let status = try Manual.answer(arguments) { return status }
    let command: any ParsableCommand
    switch try parse(arguments) {
    case .answer(let text): return print(text)
    case .command(let found): command = found
    }
    guard var verb = command as? any Verb else {
      return try group(command, arguments)
    }
    let context = try Context.current()
    do {
      return try verb.perform(in: context)
    } catch let error as CleanExit {
      return print(try text(for: error, arguments))
    }
  }

  /// What a command line means: a verb to perform, or a text that answers it (help, a completion).
  enum Parsed {
    case command(any ParsableCommand)
    case answer(String)
  }

  static func parse(_ arguments: [String]) throws(Failure) -> Parsed {
    do {
      return .command(try Looop.parseAsRoot(arguments))
    } catch {
      return .answer(try text(for: error, arguments))
    }
  }

  /// A help request is an answer; anything else that the parser throws is a usage error.
  private static func text(for error: any Error, _ arguments: [String]) throws(Failure) -> String {
    if Looop.exitCode(for: error) == .success { return Looop.fullMessage(for: error) }
    if let first = arguments.first, !first.hasPrefix("-"), Manual.command(named: [first]) == nil {
      throw Failure("unknown verb \"\(TextWidth.plain(first))\"", hint: "`looop help` lists the verbs")
    }
    if let unknown = unknownInGroup(arguments) { throw unknown }
    throw Failure(
      TextWidth.plain(Looop.message(for: error)).lowercasedFirst,
      hint: "`\(Manual.spelling(of: arguments)) --help` shows what it takes")
  }

  /// `looop goal list`: the parser only sees an argument too many.
  private static func unknownInGroup(_ arguments: [String]) -> Failure? {
    let path = Array(arguments.prefix { !$0.hasPrefix("-") })
    guard let depth = (1..<max(1, path.count)).last(where: { Manual.command(named: Array(path.prefix($0))) != nil }),
      let group = Manual.command(named: Array(path.prefix(depth))), !Manual.subcommands(of: group).isEmpty
    else { return nil }
    let spelling = Manual.spelling(of: arguments)
    return Failure(
      "there is no `\(spelling) \(TextWidth.plain(path[depth]))`",
      hint: "\(spelling) \(Manual.names(of: group).joined(separator: " | "))")
  }

  private static func print(_ text: String) -> Int32 {
    Printer(format: .human, environment: HostEnvironment([:])).line(text)
    return ExitStatus.done
  }

  /// A group of verbs without the verb, or the parser's own help.
  private static func group(_ found: any ParsableCommand, _ arguments: [String]) throws -> Int32 {
    let kind = type(of: found)
    if kind == Looop.self {
      return print(Looop.helpMessage(columns: 100))
    }
    let names = Manual.names(of: kind)
    guard !names.isEmpty else {
      var command = found
      do {
        try command.run()
        return ExitStatus.done
      } catch {
        return print(try text(for: error, arguments))
      }
    }
    throw Failure(
      "`\(Manual.spelling(of: arguments))` needs to know what: \(names.joined(separator: ", "))",
      hint: "`\(Manual.spelling(of: arguments)) --help` explains them")
  }

  private static func report(_ error: any Error, _ printer: Printer) -> Int32 {
    switch error {
    case let failure as Failure:
      if !failure.cause.isEmpty { printer.failure(failure) }
      return failure.status
    case let refusal as Refusal:
      printer.failure(Failure(refusal.cause, hint: refusal.hint))
      return ExitStatus.failure
    case let error as ActError:
      printer.failure(Failure(error.message, hint: error.hint))
      return ExitStatus.failure
    case let error as InvalidIdentifier:
      printer.failure(Failure("\(error)", hint: error.hint))
      return ExitStatus.failure
    case let code as ExitCode:
      return code.rawValue
    default:
      printer.failure(Failure("\(error)"))
      return ExitStatus.failure
    }
  }
}

extension String {
  var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
