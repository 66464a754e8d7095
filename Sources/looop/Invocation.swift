import Glibc
import SystemPackage
import Tenant

/// The command line before any verb looks at it: `_` and `--tenant` are taken off.
struct Invocation: Hashable {
  /// `--tenant NAME`: the verb is for a tenant of a fleet.
  var tenant: String?
  /// The verb and what follows it.
  var arguments: [String]

  /// `looop _ state` is `looop state`; `--tenant` may stand on either side of the `_`.
  init(_ commandLine: [String]) throws(Failure) {
    arguments = Array(commandLine.dropFirst())
    var underscoreSeen = false
    while let first = arguments.first {
      if first == "_", !underscoreSeen {
        underscoreSeen = true
        arguments.removeFirst()
      } else if first == "--tenant", tenant == nil {
        guard arguments.count > 1 else {
          throw Failure("--tenant needs a name", hint: "looop --tenant NAME VERB …")
        }
        tenant = arguments[1]
        arguments.removeFirst(2)
      } else if first.hasPrefix("--tenant="), tenant == nil {
        tenant = String(first.dropFirst("--tenant=".count))
        arguments.removeFirst()
      } else {
        break
      }
    }
    if tenant?.isEmpty == true { throw Failure("--tenant needs a name", hint: "looop --tenant NAME VERB …") }
  }
}
