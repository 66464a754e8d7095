import SystemPackage

/// The questions that wait for a human: `asks/<id>.json` without a readable answer beside them.
package struct Asks: Sendable {
  package let data: DataDir

  package init(_ data: DataDir) { self.data = data }

  /// What a look at the mailbox gave: the pending asks, oldest first, and what could not be read, in words.
  package struct Listing: Hashable, Sendable {
    package var asks: [AskRecord] = []
    package var problems: [String] = []
  }

  /// Never throws: a directory that cannot be read is an empty one with a problem.
  package func pending() -> Listing {
    var listing = Listing()
    let reader = RecordReader(data.asks)
    let names: [String]
    do throws(HostError) {
      names = try Directory.unsortedStems(data.asks, extension: "json")
    } catch {
      listing.problems.append(error.description)
      return listing
    }
    let answers = RecordReader(data.answers)
    let answered: Set<String>
    do throws(HostError) {
      answered = Set(try Directory.unsortedStems(data.answers, extension: "json"))
    } catch {
      // Fail towards asking: an ask that was answered is shown once more rather than lost.
      listing.problems.append(error.description)
      answered = []
    }
    listing.asks.reserveCapacity(names.count)
    for id in names {
      if answered.contains(id) {
        if AnswerRecord.isReadable(answers.read("\(id).json")) { continue }
        listing.problems.append("answers/\(id).json is corrupt; answer again with --force")
      }
      switch reader.read("\(id).json") {
      case .absent: continue
      case .unreadable(let error): listing.problems.append(error.description)
      case .contents(let bytes):
        if let ask = AskRecord(id: id, parsing: bytes) {
          listing.asks.append(ask)
        } else {
          listing.problems.append("asks/\(id).json is not an ask")
        }
      }
    }
    listing.asks.sort { $0.ts == $1.ts ? $0.id.precedesInBytes($1.id) : $0.ts < $1.ts }
    listing.problems.sort()
    return listing
  }

  /// Writes a new ask under the worker's next number and returns it. Numbers count answers too: an id is never used twice.
  package func create(
    worker: String, prompt: String, now: Int64, reference: String? = nil, options: [String] = [], goal: String? = nil,
    irreversible: Bool = false, asker: ProcessIdentity? = nil
  ) throws -> AskRecord {
    try Identifier.check(worker, .worker)
    guard worker != ReservedWorkers.gate else {
      throw Refusal(
        .invalid, "`gate` asks only for the loop's parked moves", hint: "ask as yourself: looop ask WORKER …")
    }
    guard prompt.contains(where: { !$0.isWhitespace }) else {
      throw Refusal(.invalid, "the prompt of an ask is empty", hint: "say what to decide: --prompt TEXT")
    }
    try Directory.create(data.asks)
    func record(_ id: String) -> AskRecord {
      AskRecord(
        id: id, worker: worker, prompt: prompt, ts: now, reference: reference, options: options, goal: goal,
        irreversible: irreversible, asker: asker)
    }
    let id = try RecordNumbering.create(worker, in: data.asks, also: data.answers) { id in
      record(id).file()
    }
    return record(id)
  }

  /// The same question of the same worker, still pending, whose caller was cut off (by a tool's time limit, a reboot): who asks again waits
  /// for that one, and the mailbox does not hold it twice.
  package func orphan(worker: String, prompt: String, reference: String?, options: [String]) -> AskRecord? {
    pending().asks.first { ask in
      ask.worker == worker && ask.prompt == prompt && ask.reference == reference && ask.options == options
        && ask.asker.map { !$0.isAlive } ?? false
    }
  }

  /// The workers that stand still because of an ask; legacy detached asks block nobody.
  package static func waitingWorkers(_ asks: [AskRecord]) -> Set<String> {
    Set(asks.lazy.filter { !$0.detached }.map(\.worker))
  }
}
