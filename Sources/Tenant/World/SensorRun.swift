import Glibc

/// Runs a tenant's sensors, all at once, and publishes what each printed. A sensor that fails becomes an error snapshot: never a
/// blank one, never last beat's.
package struct SensorRun: Sendable {
  package struct Limits: Hashable, Sendable {
    /// Seconds; 0 = none.
    package var timeout: Int
    /// Bytes of stdout; 0 = none of its own (``unboundedOutput`` then).
    package var maximumBytes: Int

    package init(timeout: Int = 60, maximumBytes: Int = 8192) {
      self.timeout = timeout
      self.maximumBytes = maximumBytes
    }
  }

  package struct Result: Hashable, Sendable {
    package var name: String
    /// `nil` where it succeeded, now or when it was last asked.
    package var failure: String?
    package var isFresh = false
  }

  package let data: DataDir
  package let environment: HostEnvironment
  package let limits: Limits

  /// What a world can read back (``FileReading/maximumBytes``), with the cap switched off.
  static let unboundedOutput = FileReading.maximumBytes - 1
  /// The end of what it said on stderr: enough for a stack trace's last lines.
  static let keptErrors = 1024

  package init(data: DataDir, environment: HostEnvironment, limits: Limits) {
    self.data = data
    self.environment = environment
    self.limits = limits
  }

  package func run(_ sensors: [SensorScript], now: Double) -> [Result] {
    var due: [SensorScript] = []
    var results: [Result] = []
    for sensor in sensors {
      let fresh =
        sensor.interval != nil
        && sensor.isFresh(
          snapshotAt: Snapshots.modified(Snapshots.path(data, sensor.stem)),
          scriptAt: Snapshots.modified(sensor.path), now: now)
      if fresh {
        results.append(Result(name: sensor.name, failure: lastFailure(sensor), isFresh: true))
      } else {
        due.append(sensor)
      }
    }
    let outcomes = BoundedRun.runAll(due.map(bounded))
    for (sensor, outcome) in zip(due, outcomes) {
      results.append(Result(name: sensor.name, failure: publish(sensor, outcome)))
    }
    return results.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// What a snapshot that is still fresh says of its own making: a failure counts until the sensor is asked again.
  private func lastFailure(_ sensor: SensorScript) -> String? {
    guard let snapshot = StateFile.read(Snapshots.path(data, sensor.stem)).value, let signal = snapshot["signal"],
      signal["error"]?.bool == true, signal["exit_code"] != nil
    else { return nil }
    let (message, errors) = (snapshot["detail"]?["message"]?.string, snapshot["detail"]?["stderr"]?.string)
    return "\(Self.told(message ?? "failed", errors ?? "")); it is asked again when its interval is over"
  }

  private func bounded(_ sensor: SensorScript) -> BoundedRun {
    var run = BoundedRun(
      Spawn(sensor.path, [], environment: environment, directory: data.root), deadline: Double(limits.timeout),
      keepOutput: limits.maximumBytes > 0 ? limits.maximumBytes : Self.unboundedOutput, keepErrors: Self.keptErrors)
    // A sensor that leaves children behind would leave some at every beat.
    run.reapGroup = true
    return run
  }

  private func publish(_ sensor: SensorScript, _ outcome: RunOutcome) -> String? {
    var failure = Self.failure(outcome.reason, timeout: limits.timeout)
    let snapshot = Self.snapshot(of: outcome, failure: failure, limits: limits)
    do throws(HostError) {
      // A failure has its age too: whom a sensor asks is not asked again before the interval is over.
      try Snapshots.publish(snapshot, at: Snapshots.path(data, sensor.stem), refreshing: sensor.interval != nil)
      let errors = Snapshots.errorsPath(data, sensor.stem)
      if outcome.errors.isEmpty {
        AtomicFile.remove(errors)
      } else {
        try Snapshots.publish(outcome.errors, at: errors, refreshing: false)
      }
    } catch {
      failure = failure ?? error.description
    }
    return failure.map { Self.told($0, String(decoding: outcome.errors, as: UTF8.self)) }
  }

  /// A failure with the last of what the sensor said about it.
  static func told(_ failure: String, _ errors: String) -> String {
    guard let line = errors.split(separator: "\n").last(where: { $0.contains { !$0.isWhitespace } }) else {
      return failure
    }
    // It goes to terminals.
    let plain = line.unicodeScalars.filter { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    return "\(failure): \(String(String.UnicodeScalarView(plain)).trimmedSpace.prefix(toldCharacters))"
  }

  private static let toldCharacters = 160

  /// The snapshot's bytes for one outcome. Pure.
  static func snapshot(of outcome: RunOutcome, failure: String?, limits: Limits) -> [UInt8] {
    if let failure {
      let snapshot: JSON = [
        "signal": ["error": true, "exit_code": .int(Int64(outcome.reason.shellCode))],
        "detail": ["message": .string(failure), "stderr": .string(String(decoding: outcome.errors, as: UTF8.self))],
      ]
      return Array((snapshot.compact + "\n").utf8)
    }
    let cap = limits.maximumBytes > 0 ? limits.maximumBytes : unboundedOutput
    guard outcome.outputCount > cap else { return outcome.output }
    let snapshot: JSON = [
      "signal": ["error": "too-large", "cap": .int(Int64(cap))],
      "detail": [
        "bytes": .int(Int64(outcome.outputCount)),
        "message": .string("the sensor printed \(outcome.outputCount) bytes; at most \(cap) are taken"),
      ],
    ]
    return Array((snapshot.compact + "\n").utf8)
  }

  static func failure(_ reason: ExitReason, timeout: Int) -> String? {
    switch reason {
    case .code(0): nil
    case .code(let code): "exited with \(code)"
    case .signal(let number): "ended by \(SignalName.of(number))"
    case .timedOut: "timed out after \(timeout) s; it and its children were killed"
    case .failedToStart(let error) where error.errno == ENOEXEC:
      "\(error); its first line must name its interpreter, such as #!/bin/sh"
    case .failedToStart(let error): "\(error)"
    }
  }
}
