package import SystemPackage

/// One call of a model, as a runner's own record of a session tells it.
package struct TranscriptEvent: Hashable, Sendable {
  /// The same for every reading of the same call, also where a resumed session copies it.
  package var id: String
  package var model: String?
  package var tokens: TokenCount
  /// How many of `tokens.cacheWrite` were written for an hour.
  package var longCacheWrite: Int64
  /// What the runner itself says that the call cost.
  package var microUSD: Int64?
  /// Unix seconds; the runner's word.
  package var at: Int64?

  package init(
    id: String, model: String?, tokens: TokenCount, longCacheWrite: Int64 = 0, microUSD: Int64? = nil, at: Int64? = nil
  ) {
    self.id = id
    self.model = model
    self.tokens = tokens
    self.longCacheWrite = longCacheWrite
    self.microUSD = microUSD
    self.at = at
  }
}

/// What a session of a runner used, from its transcript: for workers, whose terminal says nothing about money.
/// *Shape*: `{"runner","session","directory","started_at","events":[{"id","model","tokens":{…},"long_cache_write","micro_usd","at"}],
/// "sums":[{"events":3,"micro_usd":210000}],"open":false,"limited_until":unix|null}`
package struct Transcript: Hashable, Sendable {
  /// The runner's money for a stretch of events that it does not price one by one.
  package struct Sum: Hashable, Sendable {
    /// How many of the events, from the end of the stretch before.
    package var events: Int
    package var microUSD: Int64

    package init(events: Int, microUSD: Int64) {
      self.events = events
      self.microUSD = microUSD
    }
  }

  package var runner: String
  package var session: String
  /// Where the runner was started.
  package var directory: FilePath?
  package var startedAt: Int64?
  package var events: [TranscriptEvent]
  package var sums: [Sum]
  /// The model was asked something and no answer is on record: a call that still runs, or one whose figures died with the runner.
  package var isOpen = false
  /// The provider refuses the account until then (Unix seconds), as the session's last word on it says.
  package var limitedUntil: Int64?

  package init(
    runner: String, session: String = "", directory: FilePath? = nil, startedAt: Int64? = nil,
    events: [TranscriptEvent] = [], sums: [Sum] = []
  ) {
    self.runner = runner
    self.session = session
    self.directory = directory
    self.startedAt = startedAt
    self.events = events
    self.sums = sums
  }

  package var json: JSON {
    [
      "runner": .string(runner), "session": .string(session), "directory": .optional(directory?.string),
      "started_at": .optional(startedAt),
      "events": .array(
        events.map { event in
          [
            "id": .string(event.id), "model": .optional(event.model), "tokens": event.tokens.json,
            "long_cache_write": .int(event.longCacheWrite), "micro_usd": .optional(event.microUSD),
            "at": .optional(event.at),
          ]
        }),
      "sums": .array(sums.map { ["events": .int(Int64($0.events)), "micro_usd": .int($0.microUSD)] }),
      "open": .bool(isOpen), "limited_until": .optional(limitedUntil),
    ]
  }

  package init?(json: JSON) {
    guard let runner = json["runner"]?.string else { return nil }
    self.init(
      runner: runner, session: json["session"]?.string ?? "", directory: json["directory"]?.string.map { FilePath($0) },
      startedAt: json["started_at"]?.int,
      events: (json["events"]?.array ?? []).compactMap { event in
        guard let id = event["id"]?.string, let tokens = event["tokens"].flatMap(TokenCount.init(json:)) else {
          return nil
        }
        return TranscriptEvent(
          id: id, model: event["model"]?.string, tokens: tokens,
          longCacheWrite: max(0, event["long_cache_write"]?.int ?? 0),
          microUSD: event["micro_usd"]?.int.flatMap { $0 >= 0 ? $0 : nil }, at: event["at"]?.int)
      },
      sums: (json["sums"]?.array ?? []).compactMap { sum in
        guard let events = sum["events"]?.int, events >= 0, let micro = sum["micro_usd"]?.int, micro >= 0 else {
          return nil
        }
        return Sum(events: Int(events), microUSD: micro)
      })
    isOpen = json["open"]?.bool ?? false
    limitedUntil = json["limited_until"]?.int
  }
}

extension Transcript {
  var saysSomething: Bool { !events.isEmpty || limitedUntil != nil }

  /// When each of its events happened; one without a time of its own, with the one before it.
  var times: [Int64] {
    var last = startedAt ?? 0
    return events.map { event in
      last = event.at ?? last
      return last
    }
  }

  /// What was used since then; a session that began no earlier is taken whole.
  ///
  /// The runner's sum for a stretch that is older in part says nothing of the rest: from there on the calls stand without sums.
  func since(_ time: Int64) -> Transcript {
    guard let startedAt, startedAt < time else { return self }
    let isLate = times.map { $0 >= time }
    var late = self
    late.events = zip(events, isLate).filter(\.1).map(\.0)
    late.sums = []
    var rest = isLate[...]
    for sum in sums {
      let stretch = rest.prefix(sum.events)
      rest = rest.dropFirst(sum.events)
      guard stretch.contains(true) || (stretch.isEmpty && !late.sums.isEmpty) else { continue }
      guard stretch.allSatisfy(\.self) else { break }
      late.sums.append(sum)
    }
    return late
  }
}

/// Reads one runner's transcript line by line. Lines that are torn, repeated or of no interest change nothing.
protocol TranscriptFold: Sendable {
  /// A line without any of these is not worth parsing: transcripts hold whole conversations.
  static var marks: [String] { get }
  /// How its lines tell a call that was begun from one that was answered.
  static var calls: OpenCall.Marks { get }
  mutating func take(_ line: JSON)
  var transcript: Transcript { get }
}
