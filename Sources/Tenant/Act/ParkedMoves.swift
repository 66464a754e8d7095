import SystemPackage

/// The moves that wait for a yes, on disk. Level-triggered: each beat looks at what is there, and a crash between any two writes
/// is made good by the next look.
package struct ParkedMoves: Sendable {
  package let data: DataDir

  package init(_ data: DataDir) { self.data = data }

  private func path(_ number: Int) -> FilePath { data.parkedMoves.appending("\(number).json") }

  /// All, oldest first. A record that cannot be read is left alone and reported: it must never run.
  package func all(_ problems: inout [String]) -> [ParkedMove] {
    var moves: [ParkedMove] = []
    do throws(HostError) {
      for number in try Directory.stems(data.parkedMoves, extension: "json").compactMap({ Int($0) }).sorted() {
        switch StateFile.read(path(number)) {
        case .absent: break
        case .unreadable(let error): problems.append("\(error)")
        case .corrupt(let reason): problems.append("parked/\(number).json is corrupt: \(reason)")
        case .value(let json):
          if let move = ParkedMove(number: number, json: json) {
            moves.append(move)
          } else {
            problems.append("parked/\(number).json is not a parked move")
          }
        }
      }
    } catch {
      problems.append("\(error)")
    }
    return moves
  }

  /// Parks a move and asks. The same move that waits already is not parked twice.
  package func park(_ move: Move, why: String, now: Int64) throws -> ParkedMove {
    try Directory.create(data.parkedMoves)
    var parked = try FileLock.withDirectory(data.parkedMoves) { () throws -> ParkedMove in
      var problems: [String] = []
      if let same = all(&problems).first(where: { $0.phase == .waiting && $0.move.action == move.action }) {
        return same
      }
      let new = ParkedMove(number: try nextNumber(), move: move, why: why, parkedAt: now)
      try StateFile.write(new.json, to: path(new.number))
      return new
    }
    if !parked.asked { try publishAsk(&parked) }
    return parked
  }

  /// A number that neither a parked move nor an ask or answer of the gate has ever had.
  private func nextNumber() throws(HostError) -> Int {
    var used = try Directory.stems(data.parkedMoves, extension: "json").compactMap { Int($0) }
    for directory in [data.asks, data.answers] {
      used += try Directory.stems(directory, extension: "json").compactMap {
        RecordNumbers.number(of: $0, worker: ParkedMove.worker)
      }
    }
    return RecordNumbers.next(after: used)
  }

  private func publishAsk(_ parked: inout ParkedMove) throws {
    let ask = parked.ask
    try Directory.create(data.asks)
    try FileLock.withDirectory(data.asks) {
      // One that is there is ours, from before a crash.
      _ = try AtomicFile.create(ask.file(), at: data.ask(ask.id))
    }
    parked.asked = true
    try StateFile.write(parked.json, to: path(parked.number))
  }

  /// Takes what has been answered: a yes is carried out, once; anything else is a no. Each returned move is over.
  ///
  /// Most beats find nothing parked: the executor and its table of rules are made only where something is.
  package func takeAnswers(_ makeExecutor: @autoclosure () -> Executor) -> (over: [ParkedMove], notices: [Notice]) {
    var problems: [String] = []
    let open = all(&problems).filter { !$0.isOver }
    var notices = problems.map { Notice(.warn, "gate.degraded", $0) }
    guard !open.isEmpty else { return ([], notices) }
    let executor = makeExecutor()
    var over: [ParkedMove] = []
    for parked in open {
      do {
        if let move = try takeAnswer(of: parked, executor) { over.append(move) }
      } catch {
        notices.append(Notice(.warn, "gate.degraded", "\(parked.askID): \(error)"))
      }
    }
    return (over, notices + over.map(Self.notice))
  }

  private func takeAnswer(of found: ParkedMove, _ executor: Executor) throws -> ParkedMove? {
    var parked = found
    switch parked.verdict(
      answer: StateFile.read(data.answer(parked.askID)), ask: StateFile.read(data.ask(parked.askID)))
    {
    case .wait: return nil
    case .ask:
      try publishAsk(&parked)
      return nil
    case .cutOff: return try close(&parked, .interrupted, nil, executor)
    case .withdrawn: return try close(&parked, .refused, "the ask was withdrawn", executor)
    case .refused(let answer, let by):
      parked.answer = answer
      parked.answeredBy = by
      return try close(&parked, .refused, nil, executor)
    case .approved(let answer, let by):
      parked.answer = answer
      parked.answeredBy = by
      guard try claim(&parked) else { return nil }
      do {
        _ = try executor.execute(parked.approvedMove, origin: .approved)
        let output = LastShell.read(data)?.output
        let isShell = parked.move.action.kind == "shell"
        return try close(&parked, .done, isShell ? output.map { ShellRun.clip($0, 512) } : nil, executor)
      } catch {
        return try close(&parked, .failed, "\(error)", executor)
      }
    }
  }

  /// Writes down that it runs, before it runs; of two that try, one gets it.
  private func claim(_ parked: inout ParkedMove) throws -> Bool {
    parked.phase = .running
    let running = parked
    return try FileLock.withDirectory(data.parkedMoves) {
      guard let json = StateFile.read(path(running.number)).value,
        ParkedMove(number: running.number, json: json)?.phase == .waiting
      else { return false }
      try StateFile.write(running.json, to: path(running.number))
      return true
    }
  }

  private func close(
    _ parked: inout ParkedMove, _ phase: ParkedMove.Phase, _ outcome: String?, _ executor: Executor
  ) throws -> ParkedMove {
    parked.phase = phase
    parked.outcome = outcome
    parked.endedAt = executor.clock.now
    try StateFile.write(parked.json, to: path(parked.number))
    // Done has its own journal line from the executor.
    if phase != .done { try Journal(data).append(parked.line, now: executor.clock.now) }
    return parked
  }

  /// Those that a prompt must show: waiting, and over but not yet shown.
  package func forPrompt() -> [ParkedMove] {
    var problems: [String] = []
    return all(&problems).filter { !$0.isOver || !$0.shown }
  }

  /// After a decision was taken on a prompt that showed them.
  package func markShown(_ moves: [ParkedMove]) throws {
    for var move in moves where move.isOver && !move.shown {
      move.shown = true
      try StateFile.write(move.json, to: path(move.number))
    }
  }

  private static func notice(_ move: ParkedMove) -> Notice {
    Notice(
      move.phase == .done ? .ok : .warn, "gate.\(move.phase.rawValue)", move.line,
      fields: ["ask": .string(move.askID), "phase": .string(move.phase.rawValue)])
  }
}
