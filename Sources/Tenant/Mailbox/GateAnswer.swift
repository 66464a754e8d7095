/// Who may say yes to a parked move: a human, never a process that the loop itself started.
package enum GateAnswer {
  /// Why the owner of this environment may not answer that ask; `nil` where it may. Pure.
  package static func refusal(_ ask: String, in environment: HostEnvironment) -> Refusal? {
    guard ask.hasPrefix(ReservedWorkers.gate + "-"), let caller = NoHuman.caller(environment) else { return nil }
    return Refusal(
      .invalid, "\(ask) waits for a human, and \(caller) is none",
      hint: "ask for it in words (looop ask), or leave it to whoever reads `looop asks`")
  }
}
