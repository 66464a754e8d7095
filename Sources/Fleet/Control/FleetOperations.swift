package import Tenant

/// All that the control socket can ask of a running fleet. The supervisor is the one real implementation; tests have one in
/// memory. Routes hold no state and decide nothing but who may ask.
///
/// Reads never throw: a fleet in trouble still says what it knows, and names the trouble in the document. Orders answer only after
/// they are durable.
package protocol FleetOperations: Sendable {
  /// The document of `status --json`.
  func document() async -> FleetDocument
  /// Every pending ask of every tenant, oldest first.
  func asks() async -> [MailboxAsk]
  func workers() async -> [WorkerRow]
  func sandboxes() async -> [SandboxRow]

  /// What changed after the token: at once where something did (or where `after` is nil, with no change), else when
  /// it happens. `nil` when the fleet stops. ``ChangeFeed`` is the ready implementation.
  func changes(after token: UInt64?) async -> FleetChanges?

  /// The first answer wins. Refuses with `noSuchAsk`, `alreadyAnswered`, `notFound` (the tenant).
  func answer(tenant: String, ask: String, text: String, by: Caller) async throws(FleetRefusal)
  /// Stops one worker with all its processes.
  func kill(tenant: String, worker: String, by: Caller) async throws(FleetRefusal)
  /// No new beats; live workers go on. Survives restarts.
  func pause(tenant: String, by: Caller) async throws(FleetRefusal)
  func resume(tenant: String, by: Caller) async throws(FleetRefusal)
  /// Stops everything of one tenant, or of all where `tenant` is nil. Survives restarts.
  func freeze(tenant: String?, by: Caller) async throws(FleetRefusal)
  func thaw(tenant: String?, by: Caller) async throws(FleetRefusal)
  /// Stops every worker of every tenant and starts nothing any more; the answer names who was stopped. For `down --workers`.
  func drain(by: Caller) async throws(FleetRefusal) -> [String]
  /// Reads the configuration again; what is refused keeps its last good form.
  func reload(by: Caller) async throws(FleetRefusal) -> ReloadOutcome

  /// Adds to today's caps of one tenant, or of the whole fleet where `tenant` is nil; the answer is the day with them.
  func raise(tenant: String?, by amount: RaiseAmount, caller: Caller) async throws(FleetRefusal) -> TenantBudget
  /// What was spent: one tenant or all, today and the days before it.
  func budget(tenant: String?, days: Int) async throws(FleetRefusal) -> SpendingReport

  /// Collects worktrees that nobody needs, of one tenant or of all; with `dryRun` only says what it would do.
  func prune(tenant: String?, dryRun: Bool, by: Caller) async throws(FleetRefusal) -> [PruneRow]
  /// What to know of a tenant's repository before workers get sandboxes of it, or of one commit of it.
  func preflight(tenant: String, repo: String, base: String?) async throws(FleetRefusal) -> PreflightReport
  /// What a worker did: a live one, one that ended and left a branch, or parked work.
  func diff(tenant: String, worker: String, by: Caller) async throws(FleetRefusal) -> SandboxDiff
  /// Brings a worker's commits home by fast-forward, into the branch that is named or the one that the source is on.
  func land(
    tenant: String, worker: String, into branch: String?, dryRun: Bool, by: Caller
  ) async throws(FleetRefusal) -> SandboxLanded
  /// Makes a worktree of parked work again, to the byte.
  func restore(
    tenant: String, worker: String, as other: String?, by: Caller
  ) async throws(FleetRefusal) -> SandboxRow
  /// Who changed what: the newest lines, oldest first; of one tenant or of all.
  func audit(tenant: String?, limit: Int) async throws(FleetRefusal) -> [AuditRow]
  /// The fleet's own log lines after a sequence number, at most `limit`, oldest first.
  func logs(tenant: String?, after sequence: UInt64?, limit: Int) async -> [LogLine]
  func knows(tenant: String) async -> Bool
  /// The tenants that run as this Unix user.
  func tenants(ofUser uid: UInt32) async -> Set<String>
  /// Where a process on the socket lives: in a tenant's group, or outside.
  func place(ofProcess pid: Int32) async -> PeerPlace
  /// Counters and figures that the document does not hold, for `/metrics`.
  func samples() async -> [MetricSample]
  func tenant(_ name: String) async throws(FleetRefusal) -> TenantDetail
  /// Runs `looop VERB …` as the tenant's user on its data dir.
  func runVerb(
    tenant: String, arguments: [String], stdin: String?, by: Caller
  ) async throws(FleetRefusal) -> VerbOutcome
}

/// What `looop VERB …` printed and how it ended.
package struct VerbOutcome: Hashable, Sendable {
  package var exitCode: Int
  package var stdout: String
  package var stderr: String

  package init(exitCode: Int, stdout: String, stderr: String) {
    self.exitCode = exitCode
    self.stdout = stdout
    self.stderr = stderr
  }

  package var json: JSON {
    ["exit_code": .int(Int64(exitCode)), "stdout": .string(stdout), "stderr": .string(stderr)]
  }
}

/// What a reload did.
/// Shape: `{"applied":["web: added"],"refused":[{"file","line","tenant","message","hint"}]}`
package struct ReloadOutcome: Hashable, Sendable {
  package struct Refused: Hashable, Sendable {
    package var file: String
    package var line: Int?
    package var tenant: String?
    package var message: String
    package var hint: String?

    package init(file: String, line: Int?, tenant: String?, message: String, hint: String?) {
      self.file = file
      self.line = line
      self.tenant = tenant
      self.message = message
      self.hint = hint
    }

    package var json: JSON {
      [
        "file": .string(file), "line": .optional(line), "tenant": .optional(tenant), "message": .string(message),
        "hint": .optional(hint),
      ]
    }
  }
  /// One line a change, in words.
  package var applied: [String]
  package var refused: [Refused]

  package init(applied: [String], refused: [Refused]) {
    self.applied = applied
    self.refused = refused
  }

  package var json: JSON {
    ["applied": .array(applied.map(JSON.string)), "refused": .array(refused.map(\.json))]
  }
}
