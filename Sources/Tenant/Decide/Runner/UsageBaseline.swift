import SystemPackage

/// What sessions had counted when an earlier run ended. A runner that resumes a session (`--continue`, `resume`) reports the
/// session's running total again: only what came on top belongs to this run.
package struct UsageBaseline: Hashable, Sendable {
  /// Newest last.
  package private(set) var sessions: [SessionFigures]

  /// Sessions older than this many runs are not resumed by anybody.
  package static let kept = 64

  package init(_ sessions: [SessionFigures] = []) { self.sessions = sessions }

  /// The run's own part. A total that fell started anew, and counts whole.
  package func delta(_ now: SessionFigures) -> SessionFigures {
    guard !now.session.isEmpty, let before = sessions.last(where: { $0.session == now.session }) else { return now }
    var delta = now
    if let a = now.tokens, let b = before.tokens, a.input >= b.input, a.cacheRead >= b.cacheRead,
      a.cacheWrite >= b.cacheWrite, a.output >= b.output
    {
      delta.tokens = TokenCount(
        input: a.input - b.input, cacheRead: a.cacheRead - b.cacheRead, cacheWrite: a.cacheWrite - b.cacheWrite,
        output: a.output - b.output)
    }
    if let a = now.microUSD, let b = before.microUSD, a >= b { delta.microUSD = a - b }
    return delta
  }

  package func adding(_ figures: [SessionFigures]) -> UsageBaseline {
    var sessions = sessions
    for one in figures where !one.session.isEmpty && (one.tokens != nil || one.microUSD != nil) {
      sessions.removeAll { $0.session == one.session }
      sessions.append(one)
    }
    return UsageBaseline(Array(sessions.suffix(Self.kept)))
  }

  static func path(_ data: DataDir) -> FilePath { data.root.appending(".runner-sessions.json") }

  /// A lost or broken record means that a resumed session is charged whole: too much, never too little.
  package static func read(_ data: DataDir) -> UsageBaseline {
    let list = StateFile.read(path(data)).value?["sessions"]?.array ?? []
    return UsageBaseline(
      list.compactMap { item in
        guard let session = item["session"]?.string else { return nil }
        return SessionFigures(
          session: session, tokens: item["tokens"].flatMap(TokenCount.init(json:)), microUSD: item["micro_usd"]?.int)
      })
  }

  package func write(_ data: DataDir) throws(HostError) {
    let list = sessions.map { figures -> JSON in
      [
        "session": .string(figures.session), "tokens": figures.tokens?.json ?? .null,
        "micro_usd": .optional(figures.microUSD),
      ]
    }
    try StateFile.write(["v": 1, "sessions": .array(list)], to: Self.path(data))
  }
}
