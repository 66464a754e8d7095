/// What lives outside the files that ``Sense`` reads itself: the sessions and the mailbox, listed by whoever owns them.
package struct Observed: Sendable {
  /// All workers' sessions, dead ones too, without the pulse. `nil` = they could not be listed: the last reading stands, for
  /// a failed look must not read as a changed world.
  package var sessions: [SessionSummary]?
  package var pendingAsks: [AskRecord]

  package init(sessions: [SessionSummary]?, pendingAsks: [AskRecord]) {
    self.sessions = sessions
    self.pendingAsks = pendingAsks
  }
}

/// One look at the world.
package struct Sensed: Sendable {
  package var world: World
  package var flapping: [FlapLedger.Flapping]
  package var sensors: [SensorRun.Result]
  package var pendingAsks: [AskRecord]
  package var notices: [Notice]
  /// The system readings with this moment's details (stem → value).
  package var readings: [String: JSON]

  /// False where a directory could not be listed: do not decide on what may be half a world.
  package var isReliable: Bool { world.problems.isEmpty }
}

/// Sense: prune, run the sensors, take the system readings, read the world once. An unchanged beat writes nothing: a snapshot is
/// rewritten when it differs, a system reading when its signal differs (its details age at every beat).
package enum Sense {
  package struct Knobs: Hashable, Sendable {
    package var sensors: SensorRun.Limits
    /// 0 = off.
    package var flapStreak: Int

    package init(sensors: SensorRun.Limits = .init(), flapStreak: Int = 5) {
      self.sensors = sensors
      self.flapStreak = flapStreak
    }

    package init(_ environment: HostEnvironment, warnings: inout [String]) {
      self.init(
        sensors: SensorRun.Limits(
          timeout: environment.number("LOOOP_SENSOR_TIMEOUT", warnings: &warnings) ?? 60,
          maximumBytes: environment.number("LOOOP_SENSOR_MAX_BYTES", warnings: &warnings) ?? 8192),
        flapStreak: environment.number("LOOOP_FLAP_STREAK", warnings: &warnings) ?? 5)
    }
  }

  /// `environment` goes to the sensors as it is (with `LOOOP_BIN` and the like in it). `observe` is called when the sensors
  /// are done.
  package static func run(
    _ data: DataDir, environment: HostEnvironment, clock: HostClock, observe: () -> Observed
  ) -> Sensed {
    var warnings: [String] = []
    let knobs = Knobs(environment, warnings: &warnings)
    var notices = warnings.map { Notice(.warn, "env.invalid", $0) }

    let results = runSensors(data, environment, clock, knobs, &notices)
    let observed = observe()
    let readings = SystemReadings.take(data, observed, now: clock.now, &notices)
    publishChanged(data, readings, &notices)
    let world = World.read(data, readings: readings)
    notices += world.problems.map { Notice(.error, "tick.sense_degraded", "\($0)") }
    let flapping = advanceFlapLedger(data, world, knobs, &notices)
    return Sensed(
      world: world, flapping: flapping, sensors: results, pendingAsks: observed.pendingAsks, notices: notices,
      readings: readings)
  }

  /// Writes the system readings with fresh details, so that a runner that looks into the files sees what its prompt says.
  package static func publishReadings(_ data: DataDir, _ sensed: Sensed) throws(HostError) {
    for (stem, value) in sensed.readings.sorted(by: { $0.key < $1.key }) {
      try Snapshots.publish(Array((value.compact + "\n").utf8), at: Snapshots.path(data, stem), refreshing: false)
    }
  }

  private static func runSensors(
    _ data: DataDir, _ environment: HostEnvironment, _ clock: HostClock, _ knobs: Knobs, _ notices: inout [Notice]
  ) -> [SensorRun.Result] {
    do throws(HostError) {
      let sensors = try SensorScript.all(data)
      notices += Snapshots.prune(data, sensors: sensors.map(\.name)).map {
        Notice(.warn, "tick.sense_degraded", "\($0)")
      }
      let started = clock.monotonic()
      let results = SensorRun(data: data, environment: environment, limits: knobs.sensors)
        .run(sensors, now: clock.wall())
      notices.append(summary(results, seconds: clock.monotonic() - started))
      return results
    } catch {
      // Without the list nothing is pruned either: the last snapshots stand.
      notices.append(Notice(.error, "tick.sense_degraded", "\(error)"))
      return []
    }
  }

  static func summary(_ results: [SensorRun.Result], seconds: Double) -> Notice {
    let failed = results.filter { $0.failure != nil }
    let fresh = results.count { $0.isFresh }
    let time = "\(Int(seconds.rounded()))s"
    if failed.isEmpty {
      let cadence = fresh > 0 ? " · \(fresh) fresh (cadence)" : ""
      return Notice(.ok, "sense.ok", "\(results.count) sensors ok (\(time))\(cadence)")
    }
    let names = failed.map { "\($0.name) (\($0.failure ?? ""))" }.joined(separator: ", ")
    return Notice(
      .warn, "sense.fail", "\(results.count - failed.count)/\(results.count) sensors ok · failed: \(names)",
      fields: ["failed": .array(failed.map { .string($0.name) })])
  }

  private static func publishChanged(_ data: DataDir, _ readings: [String: JSON], _ notices: inout [Notice]) {
    for (stem, value) in readings {
      let path = Snapshots.path(data, stem)
      if let old = StateFile.read(path).value, old["signal"] == value["signal"] { continue }
      do throws(HostError) {
        try AtomicFile.write(value.compact + "\n", to: path)
      } catch {
        notices.append(Notice(.warn, "tick.sense_degraded", "\(error)"))
      }
    }
  }

  private static func advanceFlapLedger(
    _ data: DataDir, _ world: World, _ knobs: Knobs, _ notices: inout [Notice]
  ) -> [FlapLedger.Flapping] {
    let path = data.path(".signal-flap.json")
    let before = FlapLedger(json: StateFile.read(path).value)
    let (after, flapping) = before.advanced(by: world.snapshots, threshold: knobs.flapStreak)
    if after != before {
      do throws(HostError) {
        try StateFile.write(after.json, to: path)
      } catch {
        notices.append(Notice(.warn, "tick.sense_degraded", "\(error)"))
      }
    }
    for flap in flapping where flap.isNew {
      notices.append(
        Notice(
          .warn, "sense.flapping", "\(flap.stem) changes at every beat: its signal defeats the skip gate",
          fields: ["sensor": .string(flap.stem), "streak": .int(Int64(flap.streak))]))
    }
    return flapping
  }
}
