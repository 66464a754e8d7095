import SystemPackage

/// What `answers/<id>.json` says. Shape: `{"answer":str,"ts":unix}`; ours adds `by` (who) and `via` (through what).
package enum AnswerRecord: Hashable, Sendable {
  case absent
  case unreadable(HostError)
  case corrupt
  case text(String, ts: Int64)

  package init(_ reading: FileReading) {
    switch reading {
    case .absent: self = .absent
    case .unreadable(let error): self = .unreadable(error)
    case .contents(let bytes):
      guard let json = try? JSON(parsing: bytes), let text = json["answer"]?.string else {
        self = .corrupt
        return
      }
      self = .text(text, ts: json["ts"]?.int ?? 0)
    }
  }

  /// An unreadable answer may well be one: only a corrupt or absent one leaves its ask pending.
  static func isReadable(_ reading: FileReading) -> Bool {
    switch AnswerRecord(reading) {
    case .text, .unreadable: true
    case .absent, .corrupt: false
    }
  }
}

/// Gives answers. The first one wins: of N racers exactly one succeeds, the others are refused with `alreadyAnswered`.
package struct Answers: Sendable {
  package let data: DataDir

  package init(_ data: DataDir) { self.data = data }

  package func read(_ ask: String) -> AnswerRecord { AnswerRecord(FileReading.of(data.answer(ask))) }

  /// Records an answer. `by` says who gave it and `via` through what (`cli`, `fleet`, …).
  /// Throws ``Refusal``: `invalid` (empty), `notFound`, `alreadyAnswered`, `corrupt`, `vanished`.
  package func give(
    _ ask: String, _ text: String, force: Bool = false, by: String? = nil, via: String? = nil, now: Int64
  ) throws {
    try Identifier.check(ask, .ask)
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw Refusal(
        .invalid, "the answer to \(ask) is empty", hint: "looop answer \(ask) TEXT, or - to read it from stdin")
    }
    try requireAsk(ask)
    try Directory.create(data.answers)
    var record: JSON = ["answer": .string(text), "ts": .int(now)]
    record["by"] = by.map(JSON.string)
    record["via"] = via.map(JSON.string)
    let bytes = Array((record.pretty + "\n").utf8)
    let path = data.answer(ask)
    let won = try FileLock.withDirectory(data.answers) { () throws(HostError) -> Bool in
      if force {
        try AtomicFile.write(bytes, to: path)
        return true
      }
      return try AtomicFile.create(bytes, at: path)
    }
    guard won else {
      if case .corrupt = read(ask) {
        throw Refusal(
          .corrupt, "answers/\(ask).json is corrupt", hint: "looop answer --force \(ask) TEXT replaces it")
      }
      throw Refusal(.alreadyAnswered, "\(ask) is already answered", hint: "--force replaces the answer")
    }
    guard case .absent = FileReading.of(data.ask(ask)) else { return }
    // The ask went away while we answered: an answer without a question would meet the next one of that number.
    AtomicFile.remove(path)
    throw Refusal(.vanished, "\(ask) vanished while it was answered")
  }

  private func requireAsk(_ ask: String) throws {
    switch FileReading.of(data.ask(ask), maximumBytes: FileReading.maximumBytes) {
    case .contents: return
    case .absent: throw Refusal(.notFound, "no such ask: \(ask)", hint: "looop asks lists what is pending")
    case .unreadable(let error): throw error
    }
  }
}
