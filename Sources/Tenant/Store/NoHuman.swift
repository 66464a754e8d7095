/// How a process knows that it was started by the loop and not by a human: by what its environment carries on. A mistake is kept from
/// answering for a human by it; who means to can take it off.
package enum NoHuman {
  /// Set for whatever a beat starts.
  static let beat = "LOOOP_IN_BEAT"
  static let session = "LOOOP_SESSION_ID"

  /// Who that is; `nil` where nothing says that it is not a human.
  package static func caller(_ environment: HostEnvironment) -> String? {
    if let worker = environment[session] { return "worker \(worker)" }
    return environment[beat] == nil ? nil : "a command of the loop"
  }
}

extension HostEnvironment {
  package var inBeat: HostEnvironment {
    var environment = self
    environment[NoHuman.beat] = "1"
    return environment
  }
}
