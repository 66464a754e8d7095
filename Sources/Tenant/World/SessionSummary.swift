/// One worker's session as the world sees it: what `sys-sessions` reports. Whoever lists sessions fills it; dead ones are in
/// it, the pulse is not.
package struct SessionSummary: Hashable, Sendable {
  package var id: String
  /// `starting`, `running`, `exited`, `killed`.
  package var state: String
  package var alive: Bool
  package var exitCode: Int64?
  /// `dead`, `waiting-ask`, `stuck`, `busy`: coarse, so that each transition wakes the loop once.
  package var health: String
  /// The verdict of its verify command; `nil` while there is none.
  package var verify: Bool?
  package var idleSeconds: Int64?
  package var uptimeSeconds: Int64?
  package var askAgeSeconds: Int64?
  package var pendingTells: Int
  package var verifyOutput: String?

  package init(
    id: String, state: String, alive: Bool, exitCode: Int64? = nil, health: String, verify: Bool? = nil,
    idleSeconds: Int64? = nil, uptimeSeconds: Int64? = nil, askAgeSeconds: Int64? = nil, pendingTells: Int = 0,
    verifyOutput: String? = nil
  ) {
    self.id = id
    self.state = state
    self.alive = alive
    self.exitCode = exitCode
    self.health = health
    self.verify = verify
    self.idleSeconds = idleSeconds
    self.uptimeSeconds = uptimeSeconds
    self.askAgeSeconds = askAgeSeconds
    self.pendingTells = pendingTells
    self.verifyOutput = verifyOutput
  }
}
