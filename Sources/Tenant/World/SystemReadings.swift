/// What looop itself observes, as snapshots beside the sensors' own. Pure functions over values: a reading's `signal` holds only
/// what should wake the loop, its `detail` what a decider may want to know besides.
package enum SystemReadings {
  package static let sessionsStem = "sys-sessions"
  package static let claimsStem = "sys-claims"
  package static let goalsStem = "sys-goals"
  package static let schedulesStem = "sys-schedules"
  package static let asksStem = "sys-asks"
  package static let stems: Set<String> = [sessionsStem, claimsStem, goalsStem, schedulesStem, asksStem]

  package static func sessions(_ sessions: [SessionSummary]) -> JSON {
    let sorted = sessions.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    let signal = sorted.map { session -> JSON in
      var entry: JSON = [
        "id": .string(session.id), "state": .string(session.state), "exit_code": .optional(session.exitCode),
        "health": .string(session.health),
      ]
      entry["verify"] = session.verify.map { $0 ? "pass" : "fail" }
      return entry
    }
    let workers = sorted.map { session -> (String, JSON) in
      var entry: JSON = [:]
      entry["idle_s"] = session.idleSeconds.map(JSON.int)
      entry["uptime_s"] = session.uptimeSeconds.map(JSON.int)
      entry["ask_age_s"] = session.askAgeSeconds.map(JSON.int)
      entry["pending_tells"] = session.pendingTells > 0 ? .int(Int64(session.pendingTells)) : nil
      entry["verify_output"] = session.verifyOutput.map(JSON.string)
      return (session.id, entry)
    }
    return [
      "signal": .array(signal),
      "detail": [
        "count": .int(Int64(sorted.count)),
        "workers": .object(Dictionary(workers, uniquingKeysWith: { _, last in last })),
      ],
    ]
  }

  /// `claims`: name → the record as it stands (`null` where it is no JSON).
  package static func claims(_ claims: [String: JSON]) -> JSON {
    let sorted = claims.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    return ["signal": .array(sorted.map { ["name": .string($0.key), "claim": $0.value] }), "detail": [:]]
  }

  /// Never wakes: how long each goal has gone without a move is for the decider's fairness.
  package static func goals(_ ids: [String], lastActed: [String: Int64], now: Int64) -> JSON {
    let goals = ids.map { id -> (String, JSON) in
      let acted = lastActed[id]
      return (id, ["last_acted_unix": .optional(acted), "age_s": .optional(acted.map { max(0, now - $0) })])
    }
    return [
      "signal": [:], "detail": ["goals": .object(Dictionary(goals, uniquingKeysWith: { _, last in last }))],
    ]
  }

  package static func schedules(_ schedules: [String: Schedule], now: Int64) -> JSON {
    [
      "signal": .object(schedules.mapValues { $0.signal(now: now) }),
      "detail": .object(schedules.mapValues { $0.detail(now: now) }),
    ]
  }

  package static func asks(_ pending: [AskRecord], now: Int64) -> JSON {
    let ids = pending.map(\.id).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let detail = pending.map { ask -> (String, JSON) in
      (ask.id, ["worker": .string(ask.worker), "age_s": .int(max(0, now - ask.ts))])
    }
    return [
      "signal": ["pending": .array(ids.map(JSON.string))],
      "detail": .object(Dictionary(detail, uniquingKeysWith: { _, last in last })),
    ]
  }
}
