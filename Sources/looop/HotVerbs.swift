import Glibc
import SystemPackage
import Tenant

/// The verbs that are called all the time: dispatched before the argument parser is built. A command line that is not plain
/// goes on to the parser, which knows the errors and the help.
enum HotVerbs {
  /// `nil`: not one of these, or not plain.
  static func run(_ arguments: [String]) throws -> Int32? {
    guard let verb = arguments.first else { return nil }
    let rest = arguments.dropFirst()
    switch verb {
    case "bind": BoundPlaces.run(arguments: Array(rest))
    case "confine": return try confine(Array(rest))
    case "run":
      // Its own options are its business: unknown ones are ignored there.
      return SessionOptions.matches(arguments)
        ? SessionHolder.run(arguments, environment: HostEnvironment.current()) : nil
    default: return try loop(verb, rest) ?? mailbox(verb, rest)
    }
  }

  /// What a fleet runs of a tenant.
  private static func loop(_ verb: String, _ rest: ArraySlice<String>) throws -> Int32? {
    switch verb {
    case "beat":
      guard let options = HotArguments(rest, flags: ["--force", "--door"]), options.words.isEmpty else { return nil }
      return try BeatVerb.beat(.current(), force: options.has("--force"), door: options.has("--door"))
    case "report":
      guard let options = HotArguments(rest, flags: ["--json"]), options.words.isEmpty else { return nil }
      return try ReportVerb.report(.current())
    case "hold":
      guard rest.isEmpty else { return nil }
      return try HoldVerb.hold(.current())
    case "worker", "w":
      guard rest.first == "launch",
        let options = HotArguments(
          rest.dropFirst(), flags: ["--json"], options: ["--sandbox", "--branch", "--env", "--within"]),
        options.words.count == 1
      else { return nil }
      return try WorkerLaunchVerb.launch(
        .current(), id: options.words[0], sandbox: options["--sandbox"], branch: options["--branch"],
        variables: options.values["--env"] ?? [], within: options["--within"], json: options.has("--json"))
    default: return nil
    }
  }

  /// What workers, and who answers them, call.
  private static func mailbox(_ verb: String, _ rest: ArraySlice<String>) throws -> Int32? {
    switch verb {
    case "asks":
      guard let options = HotArguments(rest, flags: ["--json"]), options.words.isEmpty else { return nil }
      return AsksVerb.list(try .current(), json: options.has("--json"))
    case "state":
      guard let options = HotArguments(rest, flags: ["--json"]), options.words.isEmpty else { return nil }
      return try StateVerb.show(.current(), json: options.has("--json"))
    case "ask":
      guard let options = HotArguments(rest, options: ["--prompt", "--ref", "--options"]), options.words.count <= 1,
        let prompt = options["--prompt"]
      else { return nil }
      return try AskVerb.ask(
        .current(), worker: options.words.first, prompt: prompt, reference: options["--ref"],
        options: options.values["--options"] ?? [])
    case "answer":
      guard let options = HotArguments(rest, flags: ["--force", "--json"], options: ["--by", "--via"]),
        let ask = options.words.first
      else { return nil }
      return try AnswerVerb.answer(
        .current(), ask: ask, words: Array(options.words.dropFirst()), force: options.has("--force"),
        json: options.has("--json"), by: options["--by"], via: options["--via"])
    case "told":
      guard let options = HotArguments(rest), options.words.count <= 1 else { return nil }
      return try ToldVerb.take(.current(), worker: options.words.first)
    default: return nil
    }
  }

  /// The trampoline: confined, this process goes on as the verb, or has become another program.
  private static func confine(_ arguments: [String]) throws -> Int32 {
    // Another user may not be allowed to see where this program lies.
    setenv("LOOOP_BIN", Machine.binary.string, 1)
    switch Confine.run(arguments: arguments) {
    case .inProcess(let words): return try Entry.dispatch(words)
    }
  }
}
