import Fleet
import Tenant

/// `_sandbox VERB`: the supervisor runs it as the tenant's user; a person never does.
enum SandboxHelper {
  static func run(_ arguments: [String]) -> Never {
    // Before anything is run through: whether there is a pooled tree, only the request tells.
    if arguments == ["create"] { ProgramPages.mapTouchedOnly() }
    HelperDocument.answer { request in
      guard arguments.count == 1, let verb = arguments.first else {
        return HelperDocument.problem("one verb is expected")
      }
      return SandboxVerb.run(verb, request: request)
    }
  }
}
