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
      names = try Directory.stems(data.asks, extension: "json")
    } catch {
      listing.problems.append(error.description)
      return listing
    }
    let answers = RecordReader(data.answers)
    let answered: Set<String>
    do throws(HostError) {
      answered = Set(try Directory.stems(data.answers, extension: "json"))
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
        if let json = try? JSON(parsing: bytes), let ask = AskRecord(id: id, json: json) {
          listing.asks.append(ask)
        } else {
          listing.problems.append("asks/\(id).json is not an ask")
        }
      }
    }
    listing.asks.sort { ($0.ts, $0.id) < ($1.ts, $1.id) }
    return listing
  }

  /// Writes a new ask under the worker's next number and returns it. Numbers count answers too: an id is never used twice.
  package func create(
    worker: String, prompt: String, now: Int64, reference: String? = nil, options: [String] = [], goal: String? = nil,
    irreversible: Bool = false
  ) throws -> AskRecord {
    try Identifier.check(worker, .worker)
    guard prompt.contains(where: { !$0.isWhitespace }) else {
      throw Refusal(.invalid, "the prompt of an ask is empty", hint: "say what to decide: --prompt TEXT")
    }
    try Directory.create(data.asks)
    func record(_ id: String) -> AskRecord {
      AskRecord(
        id: id, worker: worker, prompt: prompt, ts: now, reference: reference, options: options, goal: goal,
        irreversible: irreversible)
    }
    let id = try RecordNumbering.create(worker, in: data.asks, also: data.answers) { id in
      Array((record(id).raw.pretty + "\n").utf8)
    }
    return record(id)
  }

  /// The workers that stand still because of an ask; legacy detached asks block nobody.
  package static func waitingWorkers(_ asks: [AskRecord]) -> Set<String> {
    Set(asks.lazy.filter { !$0.detached }.map(\.worker))
  }
}

extension AskRecord {
  /// As `asks --json` and `state --json` show it. Shape: `{id,worker,prompt,ts[,reference][,options][,goal][,irreversible]}`.
  package var listing: JSON {
    var json: JSON = [
      "id": .string(id), "worker": .string(worker), "prompt": .string(prompt), "ts": .int(ts),
    ]
    json["reference"] = reference.map(JSON.string)
    json["options"] = options.isEmpty ? nil : .array(options.map(JSON.string))
    json["goal"] = goal.map(JSON.string)
    json["irreversible"] = irreversible ? true : nil
    return json
  }
}
