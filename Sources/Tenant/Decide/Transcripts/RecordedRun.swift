import CLinux
import Glibc
import SystemPackage

/// What a decide used, read again from the raw events that it left in `runs/<id>/`: for a run whose beat died before it could
/// settle.
package enum RecordedRun {
  private static let maximumEvents = 96 << 20

  /// *Shape*: `{"run":"tick-…","running":false,"usage":RunUsage|null}`; a run that still goes on has no last word yet, and one that left no
  /// event none at all.
  ///
  /// Counted whole, without what a resumed session had counted before: whether the record of that already holds this run cannot be
  /// told after a crash, and too much can be corrected while nothing cannot.
  package static func reading(
    _ id: String, data: DataDir, command: String, environment: HostEnvironment = HostEnvironment([:])
  ) -> JSON {
    let run = RunDirectory(id: id, data)
    let newest = (try? Directory.names(data.runs))?.last
    let isRunning = newest == id && FileLock.isHeld(data.beatLock)
    guard !isRunning, case .contents(let bytes) = FileReading.of(run.events, maximumBytes: maximumEvents),
      !bytes.isEmpty
    else { return ["run": .string(id), "running": .bool(isRunning), "usage": .null] }
    var stream = RunnerStream(command: command, startedAt: started(run))
    _ = stream.feed(bytes)
    _ = stream.finish()
    let usage = stream.usage().withModel(environment)
    // A stream of no known runner says nothing of what it used.
    let knows = usage.tokens != nil || usage.microUSD != nil || usage.rateLimitedUntil != nil || usage.complete
    return ["run": .string(id), "running": false, "usage": knows ? usage.json : .null]
  }

  /// When the prompt was written. Some limits say only in how many seconds they end.
  private static func started(_ run: RunDirectory) -> Int64 {
    var status = stat()
    guard unsafe run.prompt.withPlatformString({ unsafe stat($0, &status) }) == 0 else { return 0 }
    return Int64(status.st_mtim.tv_sec)
  }
}
