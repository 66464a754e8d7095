import Hummingbird
import Logging
import NIOCore
import Tenant

/// What a request carries on its way to its route: the connection it came by, and, once the doorman has looked, who sent it.
struct ControlContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let channel: any Channel
  /// Set by ``Doorman`` before any route runs.
  var caller: Caller?

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// A route behind the doorman always has one.
  var knownCaller: Caller {
    get throws(FleetRefusal) {
      guard let caller else { throw FleetRefusal(.permissionDenied, "the caller is not known") }
      return caller
    }
  }

  /// A part of the path, as it was meant.
  func parameter(_ name: String) throws(FleetRefusal) -> String {
    guard let raw = parameters[name[...]], let text = PercentEncoding.decode(raw), !text.isEmpty else {
      throw FleetRefusal(.invalidArgument, "the path lacks its \(name)")
    }
    return text
  }
}
