import SystemPackage

/// Who holds the pulse's lock, in words.
enum PulseLock {
  static func refusal(_ data: DataDir) -> Refusal {
    if FileReading.of(data.fleetMark) != .absent {
      return Refusal(
        .conflict, "a fleet runs this loop", hint: "looop-fleet status shows it; it beats by itself")
    }
    let pid = FileReading.of(data.pulsePid, maximumBytes: 64).text?.trimmedSpace
    return Refusal(
      .conflict, "already running\(pid.map { " (pid \($0))" } ?? "")", hint: "looop down stops it")
  }
}
