import SystemPackage

/// What the workers of this data dir cost: one row a session in `cost.jsonl` when the worker has ended, from its runner's transcripts.
/// While it runs, what it has used so far stands in `.worker-costs.json` and counts against today's cap, by the price list: a
/// runner names its money only at the end.
///
/// Level-triggered: every beat looks at each worker that is not settled yet, so a beat that was missed is caught up by the next.
package struct WorkerCharges: Sendable {
  package let data: DataDir
  package let environment: HostEnvironment
  package let clock: HostClock
  /// The command in force for workers without one of their own.
  package var configured: String?
  /// What the tenant says that a run without figures costs at most.
  package var unmetered: Int64?

  package init(
    _ data: DataDir, environment: HostEnvironment, clock: HostClock, configured: String?, unmetered: Int64? = nil
  ) {
    self.data = data
    self.environment = environment
    self.clock = clock
    self.configured = configured
    self.unmetered = unmetered
  }

  package func run(_ sessions: [Session]) throws(HostError) {
    let records = WorkerRecords(data)
    let alive = Set(sessions.lazy.filter(\.isAlive).map(\.id))
    let ends = Dictionary(sessions.lazy.map { ($0.id, $0.lastChange) }, uniquingKeysWith: { first, _ in first })
    let started = try records.ids().compactMap { records.read($0).record }.filter { $0.startedAt != nil }
    let kept = WorkerCosts.read(data)
    var costs = WorkerCosts(
      settled: kept.settled.filter { id, generation in started.contains { $0.id == id && $0.generation == generation } }
    )
    var rows: [CostRow]?
    for record in started where costs.settled[record.id] != record.generation {
      let known: [CostRow]
      if let rows { known = rows } else { known = try chargedSessions() }
      let isAlive = alive.contains(record.id)
      let end = isAlive ? nil : ends[record.id] ?? nil
      let used = use(record, charged: known, hasEnded: !isAlive, until: end ?? clock.now)
      if isAlive {
        rows = known
        let sum = used.reduce(0) { $0 + $1.microUSD }
        if sum > 0 { costs.running[record.id] = sum }
        continue
      }
      for row in used where row.microUSD > 0 { try CostLog(data).append(row) }
      rows = known + used
      costs.settled[record.id] = record.generation
    }
    // An unchanged beat writes nothing.
    if costs != kept { try costs.write(data) }
  }

  private func chargedSessions() throws(HostError) -> [CostRow] {
    var rows: [CostRow] = []
    try CostLog(data).recent { row in if row.kind == Self.kind { rows.append(row) } }
    return rows
  }

  private static let kind = "session"

  private func use(
    _ record: WorkerRecord, charged: [CostRow], hasEnded: Bool, until end: Int64
  ) -> [CostRow] {
    let command = record.command ?? configured ?? ""
    // A shell on its brief has no model behind it.
    guard !PromptScript.isRun(by: command) else { return [] }
    let finding = WorkerUsage.find(record, data: data, environment: environment)
    let own = finding.transcripts
    let rows = own.filter { transcript in
      // A crash between the row and the mark must not charge twice. A row from before is of what a session took before it was resumed.
      !charged.contains { $0.session == transcript.session && $0.ts >= record.startedAt ?? record.requestedAt }
    }.map { row($0, of: record, hasEnded: hasEnded) }
    let isMetered = finding.unread.isEmpty && ![.plain, .opencode].contains(RunnerKind.of(command))
    // A runner that keeps records and has left none where we look kept them elsewhere: nobody knows that it spent nothing.
    guard isMetered ? hasEnded && own.isEmpty : rows.isEmpty,
      !charged.contains(where: { isBound($0, of: record) })
    else { return rows }
    let brief = WorkerRecords(data).brief(record.id)?.utf8.count ?? 0
    return [
      CostRow(
        ts: clock.now, kind: Self.kind, id: record.id, runner: RunnerKind.label(command),
        microUSD: unmetered
          ?? UpperBound.microUSD(promptBytes: brief, runningFor: end - (record.startedAt ?? end)),
        source: .bound, model: RunnerKind.model(command))
    ]
  }

  private func isBound(_ row: CostRow, of record: WorkerRecord) -> Bool {
    row.id == record.id && row.session == nil && row.ts >= record.startedAt ?? record.requestedAt
  }

  private func row(_ transcript: Transcript, of record: WorkerRecord, hasEnded: Bool) -> CostRow {
    let tokens = transcript.events.reduce(TokenCount()) { $0 + $1.tokens }
    let charge = RunCharge.of(transcript, hasEnded: hasEnded, on: CivilDate(LocalTime(clock.now)))
    return CostRow(
      ts: clock.now, kind: Self.kind, id: record.id, runner: transcript.runner, microUSD: charge.microUSD,
      source: charge.source, model: transcript.events.last(where: { $0.model != nil })?.model,
      session: transcript.session, tokens: tokens)
  }
}
