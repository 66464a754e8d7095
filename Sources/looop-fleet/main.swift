import Fleet
import Tenant

// The sandbox helpers run as a tenant's user, many times: they are dispatched before the argument parser is built.
let words = Array(CommandLine.arguments.dropFirst())
if words.first == "_sandbox" {
  SandboxHelper.run(Array(words.dropFirst()))
}
await EntryPoint.run(words)
