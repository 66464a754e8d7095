import ArgumentParser
import Tenant

/// `claim`: a lease on a name, so that two workers do not do the same thing.
struct ClaimVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "claim", abstract: "Take a lease; exit 1 where another live worker holds it.")

  @Argument(help: "What is claimed.") var name: String
  @Option(help: "Who claims (default: $LOOOP_SESSION_ID).", completion: Completions.workers) var session: String?

  mutating func perform(in context: Context) throws -> Int32 {
    let session = try Self.holder(session, context)
    Seeding.tolerant(context)
    let outcome = try Claims(context.data).claim(
      name, session: session, now: context.clock.now, isAlive: Self.liveness(context))
    switch outcome {
    case .claimed: context.printer.line("claimed \(name)")
    case .kept: break
    case .heldBy(let other): throw Failure("\(name) is held by \(other)")
    case .contention: throw Failure("\(name) is being claimed right now (contention)", hint: "try again")
    }
    return ExitStatus.done
  }

  static func holder(_ session: String?, _ context: Context) throws(Failure) -> String {
    guard let session = session ?? context.caller else {
      throw Failure("who claims?", hint: "--session ID (LOOOP_SESSION_ID is not set)")
    }
    guard Identifier.isValid(session) else { throw Failure("invalid session \"\(session)\"") }
    return session
  }

  /// `nil` where the sessions cannot be read: then every holder counts as alive.
  static func liveness(_ context: Context) -> (String) -> Bool? {
    { id in
      guard let sessions = try? Sessions.list(context.data) else { return nil }
      return sessions.contains { $0.id == id && $0.isAlive }
    }
  }
}

struct UnclaimVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "unclaim", abstract: "Give a lease back.")

  @Argument(help: "What was claimed.", completion: Completions.claims) var name: String
  @Option(help: "Who gives it back (default: $LOOOP_SESSION_ID).", completion: Completions.workers) var session: String?

  mutating func perform(in context: Context) throws -> Int32 {
    let session = try ClaimVerb.holder(session, context)
    Seeding.tolerant(context)
    let outcome = try Claims(context.data).release(
      name, session: session, now: context.clock.now, isAlive: ClaimVerb.liveness(context))
    if case .heldBy(let other) = outcome { throw Failure("\(name) is held by \(other)") }
    return ExitStatus.done
  }
}
