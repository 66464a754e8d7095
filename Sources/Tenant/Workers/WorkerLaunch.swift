import Glibc
package import SystemPackage

/// Brings a worker from wish to running session: everything is checked first, then the wish is on disk, then it starts.
///
/// Standalone, ``start(_:)`` goes all the way. In a data dir that a fleet manages the wish stays `pending`; the fleet makes the
/// sandbox and calls ``launch(_:sandbox:branch:)``.
package struct WorkerLaunch: Sendable {
  package let data: DataDir
  package let environment: HostEnvironment
  /// The `looop` binary (`LOOOP_BIN`).
  package let binary: FilePath
  package let clock: HostClock
  /// The configured template; throws where the configuration cannot be loaded.
  package var workerCommand: @Sendable () throws -> String?
  /// `LOOOP_MAX_WORKERS`; 0 = no limit.
  package var maximumWorkers = 8
  package var retries = CommandTemplate.Retries()

  package init(
    _ data: DataDir, environment: HostEnvironment, binary: FilePath, clock: HostClock,
    workerCommand: @escaping @Sendable () throws -> String?
  ) {
    self.data = data
    self.environment = environment
    self.binary = binary
    self.clock = clock
    self.workerCommand = workerCommand
  }

  package var isFleetManaged: Bool { FileReading.of(data.fleetMark) != .absent }

  // MARK: The wish

  /// Checks a wish, writes it down and, where no fleet manages this data dir, starts it. Throws ``Refusal`` with the reason.
  @discardableResult
  package func start(_ wish: WorkerWish) throws -> WorkerRecord {
    try WorkerRecords(data).locked { try startLocked(wish) }
  }

  private func startLocked(_ wish: WorkerWish) throws -> WorkerRecord {
    let managed = isFleetManaged
    _ = try validate(wish, managed: managed)
    let records = WorkerRecords(data)
    var record = WorkerRecord(id: wish.id, requestedAt: clock.now, generation: Self.newGeneration(clock))
    record.goal = wish.goal
    record.repo = wish.repo
    record.base = wish.base
    record.command = wish.command
    record.verify = wish.verify
    // The brief first: whoever sees the record finds it.
    try records.writeBrief(wish.prompt, wish.id)
    if managed {
      try records.write(record)
      return record
    }
    return try launchLocked(record, sandbox: nil, branch: nil, extra: [:])
  }

  private func validate(_ wish: WorkerWish, managed: Bool) throws -> String {
    try Identifier.check(wish.id, .worker)
    guard Identifier.isValidSession(wish.id) else {
      throw Refusal(.invalid, "invalid worker \"\(wish.id)\"", hint: "at most 64 characters of A-Z a-z 0-9 . _ -")
    }
    if let reason = ReservedWorkers.reason(wish.id) {
      throw Refusal(.invalid, "no worker may be called \(wish.id): \(reason)", hint: "choose another id")
    }
    guard wish.prompt.contains(where: { !$0.isWhitespace }) else {
      throw Refusal(.invalid, "the prompt of worker \(wish.id) is empty")
    }
    if let goal = wish.goal { try Identifier.check(goal, .goal) }
    if wish.repo != nil || wish.base != nil, !managed {
      throw Refusal(
        .invalid, "worker \(wish.id) wants a sandbox of \(wish.repo ?? "a repository"), and sandboxes are the fleet's",
        hint: "leave --repo and --base out, or run this loop as a tenant of looop-fleet")
    }
    let template = try template(wish.command)
    let sessions: [Session]
    do {
      sessions = try Sessions.list(data)
    } catch {
      throw Refusal(.unavailable, "the sessions cannot be read: \(error)")
    }
    guard !sessions.contains(where: { $0.id == wish.id && $0.isAlive }) else {
      throw Refusal(
        .alreadyExists, "worker \(wish.id) is already running", hint: "looop worker kill \(wish.id) ends it")
    }
    if managed, WorkerRecords(data).read(wish.id).record?.phase == .pending {
      throw Refusal(
        .alreadyExists, "worker \(wish.id) is already waiting to start",
        hint: "looop worker kill \(wish.id) withdraws it")
    }
    let live = sessions.filter { $0.isAlive && !$0.isPulse }.count
    // In a fleet the quota makes a wish wait; it refuses none.
    if !managed, maximumWorkers > 0, live >= maximumWorkers {
      throw Refusal(
        .limit, "\(live) workers are running, and the limit is \(maximumWorkers)", hint: "LOOOP_MAX_WORKERS raises it")
    }
    try SessionStart.checkPath(data, id: wish.id)
    return template
  }

  private func template(_ override: String?) throws -> String {
    let text: String
    if let override, override.contains(where: { !$0.isWhitespace }) {
      text = override
    } else {
      do {
        guard let configured = try workerCommand(), configured.contains(where: { !$0.isWhitespace }) else {
          throw Refusal(.invalid, "no worker command is configured", hint: "looop init chooses a runner")
        }
        text = configured
      } catch let refusal as Refusal {
        throw refusal
      } catch {
        throw Refusal(.unavailable, "the configuration cannot be loaded: \(error)")
      }
    }
    if let problem = CommandTemplate.problem(text) { throw problem }
    return text
  }

  // MARK: The launch

  /// Starts a pending wish, in its sandbox where it has one, with what else that sandbox sets. The fleet's side of ``start(_:)``.
  /// - `within`: the words of a program that the worker's command is started by.
  @discardableResult
  package func launch(
    _ id: String, sandbox: FilePath? = nil, branch: String? = nil, environment extra: [String: String] = [:],
    within: [String] = []
  ) throws -> WorkerRecord {
    try WorkerRecords(data).locked {
      let records = WorkerRecords(data)
      let record: WorkerRecord
      switch records.read(id) {
      case .absent: throw Refusal(.notFound, "no wish for a worker \(id)")
      case .unreadable(let reason): throw Refusal(.corrupt, reason)
      case .record(let found): record = found
      }
      let session = Sessions.find(id, in: data)
      switch WorkerRecords.observed(record, session: session, now: clock.now).phase {
      case .running where session?.isAlive == true:
        // Asked twice (the first asker died): what runs is the answer.
        return WorkerRecords.observed(record, session: session, now: clock.now)
      // `starting` under the launches' lock is a launch that died before its session stood.
      case .pending, .starting: break
      case .running, .exited, .failed:
        throw Refusal(.conflict, "worker \(id) is \(record.phase.rawValue), not pending")
      }
      return try launchLocked(record, sandbox: sandbox, branch: branch, extra: extra, within: within)
    }
  }

  /// Marks a pending wish as failed.
  package func refuse(_ id: String, reason: String) throws {
    try WorkerRecords(data).locked {
      let records = WorkerRecords(data)
      guard var record = records.read(id).record else { throw Refusal(.notFound, "no wish for a worker \(id)") }
      guard record.phase == .pending || record.phase == .starting else {
        throw Refusal(.conflict, "worker \(id) is \(record.phase.rawValue), not pending")
      }
      record.phase = .failed
      record.reason = reason
      try records.write(record)
    }
  }

  private func launchLocked(
    _ wanted: WorkerRecord, sandbox: FilePath?, branch: String?, extra: [String: String], within: [String] = []
  ) throws -> WorkerRecord {
    let records = WorkerRecords(data)
    let id = wanted.id
    var record = wanted
    record.sandbox = sandbox?.string
    record.branch = branch
    record.phase = .starting
    record.reason = nil
    record.startedAt = clock.now
    do {
      guard let brief = records.brief(id) else { throw Refusal(.corrupt, "the brief workers/\(id).md is missing") }
      let template = try template(record.command)
      try clearPredecessor(id)
      try records.write(record)
      try Verify(data).store(id, command: record.verify)
      let prompt = try writePrompt(record, brief: brief, isScript: PromptScript.isRun(by: template))
      let command = CommandTemplate.retrying(
        PromptPlaceholder.substitute(prompt, in: template), retries,
        outputLog: data.session(id).appending("output.log").string)
      let directory = sandbox ?? data.root
      let script =
        "export LOOOP_SESSION_ID=\(id.shellWord); "
        + "cd \(directory.string.shellWord) && { \(command)\n}"
      var worker = WorkerEnvironment.make(
        environment, id: id, data: data, binary: binary, sandbox: sandbox, branch: branch, goal: record.goal,
        extra: extra)
      try RunnerReadiness.prepare(template, &worker, ownsHome: isFleetManaged)
      let session = try SessionStart(data, binary: binary, environment: worker)
        .start(id, command: within + ["bash", "-c", script])
      record.phase = .running
      record.process = session.identity
      record.startedAt = session.startedAt ?? record.startedAt
      try records.write(record)
      return record
    } catch {
      Verify(data).clear(id)
      record.phase = .failed
      record.reason = "\(error)"
      // The launch's own error is what the caller must hear; the record is corrected at the next beat if this fails too.
      try? records.write(record)
      throw error
    }
  }

  private func clearPredecessor(_ id: String) throws {
    if let old = Sessions.find(id, in: data) {
      guard old.isCorpse else { throw Refusal(.alreadyExists, "worker \(id) is already running") }
      SessionLeftovers.end(old)
      try Directory.removeTree(data.session(id))
    }
    Verify(data).clear(id)
    Tells(data).discard(id)
  }

  private func writePrompt(_ record: WorkerRecord, brief: String, isScript: Bool) throws -> FilePath {
    try Directory.create(data.prompts)
    let path = data.prompts.appending("\(record.id).md")
    let sandbox = record.sandbox.map { WorkerContract.Sandbox(path: $0, branch: record.branch ?? "looop/\(record.id)") }
    let text = WorkerContract.prompt(
      id: record.id, dataDir: data.root.string, goal: record.goal, sandbox: sandbox, brief: brief, isScript: isScript)
    try AtomicFile.write(text, to: path)
    return path
  }

  private static func newGeneration(_ clock: HostClock) -> String {
    "\(clock.now)-\(getpid())-\(String(UInt32.random(in: 0 ... .max), radix: 16))"
  }
}
