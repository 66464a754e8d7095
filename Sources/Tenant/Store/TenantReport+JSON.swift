extension TenantReport {
  package var json: JSON {
    [
      "v": 1, "data_dir": .string(dataDir), "at": .int(at), "beat": beat?.json ?? .null,
      "asks": .array(asks.map(\.json)), "workers": .array(workers.map(\.json)),
      "problems": .array(problems.map(JSON.string)),
    ]
  }

  /// How many asks or workers one tenant may report; what is over is dropped and named as a problem.
  package static let maximumItems = 5000

  package init?(json: JSON) {
    guard let dataDir = json["data_dir"]?.string, let at = json["at"]?.int else { return nil }
    let asks = json["asks"]?.array ?? []
    let workers = json["workers"]?.array ?? []
    self.init(
      dataDir: dataDir, at: at, beat: json["beat"].flatMap(Beat.init(json:)),
      asks: asks.prefix(Self.maximumItems).compactMap(Ask.init(json:)),
      workers: workers.prefix(Self.maximumItems).compactMap(Worker.init(json:)),
      problems: (json["problems"]?.array ?? []).prefix(100).compactMap(\.string))
    if asks.count > Self.maximumItems { problems.append("\(asks.count) asks; only \(Self.maximumItems) are shown") }
  }
}

extension TenantReport.Beat {
  package var json: JSON {
    [
      "outcome": .string(outcome.rawValue), "reason": .optional(reason), "duration_ms": .double(durationMS),
      "run_id": .optional(runID), "action": .optional(action), "next_wake_at": .optional(nextWakeAt),
      "fails": .int(Int64(fails)), "outdated": .bool(isOutdated),
    ]
  }

  package init?(json: JSON) {
    guard let outcome = json["outcome"]?.string.flatMap(Outcome.init(rawValue:)) else { return nil }
    self.init(
      outcome: outcome, reason: json["reason"]?.string, durationMS: json["duration_ms"]?.double ?? 0,
      runID: json["run_id"]?.string, action: json["action"]?.string, nextWakeAt: json["next_wake_at"]?.int,
      fails: json["fails"]?.int.map { Int(clamping: $0) } ?? 0)
    isOutdated = json["outdated"]?.bool ?? false
  }
}

extension TenantReport.Ask {
  package var json: JSON {
    [
      "id": .string(id), "worker": .string(worker), "goal": .optional(goal), "prompt": .string(prompt), "ts": .int(ts),
      "reference": .optional(reference), "options": .array(options.map(JSON.string)),
      "irreversible": .bool(irreversible), "worker_alive": .optional(workerAlive),
    ]
  }

  package init?(json: JSON) {
    guard let id = json["id"]?.string, Identifier.isValid(id), let prompt = json["prompt"]?.string else { return nil }
    self.init(
      id: id, worker: json["worker"]?.string ?? id, goal: json["goal"]?.string, prompt: prompt,
      ts: json["ts"]?.int ?? 0, reference: json["reference"]?.string,
      options: json["options"]?.array?.compactMap(\.string) ?? [], irreversible: json["irreversible"]?.bool ?? false,
      workerAlive: json["worker_alive"]?.bool)
  }
}

extension TenantReport.Worker {
  package var json: JSON {
    var json = record.json
    json["health"] = .optional(health)
    json["exit_code"] = .optional(exitCode)
    json["ended_at"] = .optional(endedAt)
    return json
  }

  package init?(json: JSON) {
    guard let id = json["id"]?.string, Identifier.isValidSession(id), let record = WorkerRecord(id: id, json: json)
    else { return nil }
    self.init(
      record: record, health: json["health"]?.string, exitCode: json["exit_code"]?.int, endedAt: json["ended_at"]?.int)
  }
}
