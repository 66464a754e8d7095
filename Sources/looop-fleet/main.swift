import Fleet
import Tenant

// The helpers run as a tenant's user, many times: they are dispatched before the argument parser is built.
let words = Array(CommandLine.arguments.dropFirst())
if words.first == "_sandbox" {
  SandboxHelper.run(Array(words.dropFirst()))
}
if words.first == "_opencode" {
  HelperDocument.answer { OpencodeSessions.answer($0, environment: .current()) }
}
await EntryPoint.run(words)
