import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct SenseTests {
  private let scratch: ScratchDirectory
  private var data: DataDir { scratch.dataDir }

  init() throws {
    scratch = try ScratchDirectory()
    try Seed.ensure(scratch.dataDir, configuration: scratch.appending("config.json"), now: 1)
    try Directory.removeTree(scratch.appending("sensors"))
    try Directory.create(scratch.appending("sensors"))
  }

  private func sensor(_ name: String, _ body: String, mode: UInt32 = 0o755) throws {
    try scratch.write("#!/bin/sh\n" + body, to: "sensors/\(name).sh", mode: mode)
  }

  private func sense(
    _ environment: [String: String] = [:], sessions: [SessionSummary]? = [], asks: [AskRecord] = [],
    clock: HostClock = .system
  ) -> Sensed {
    Sense.run(data, environment: RunningProcess.environment(environment), clock: clock) {
      Observed(sessions: sessions, pendingAsks: asks)
    }
  }

  private func snapshot(_ stem: String) -> JSON? { scratch.json("snapshots/\(stem).json") }

  @Test func `sensors run in the data dir without stdin, and see the environment`() throws {
    try sensor("a", "cat; printf '{\"signal\":\"%s\",\"e\":\"%s\"}' \"$PWD\" \"$LOOOP_X\"")
    let sensed = sense(["LOOOP_X": "y"])
    #expect(snapshot("sensor-a")?["signal"]?.string == data.root.string)
    #expect(snapshot("sensor-a")?["e"] == "y")
    #expect(sensed.world.items["snap:sensor-a"] != nil)
    #expect(sensed.isReliable)
  }

  @Test(
    arguments: [
      ("echo why >&2; exit 3", 0o755, 3), ("kill -9 $$", 0o755, 137), ("echo x", 0o644, 127), ("exit 130", 0o755, 130),
    ] as [(String, UInt32, Int64)])
  func `a failing sensor is an error snapshot`(_ body: String, _ mode: UInt32, _ code: Int64) throws {
    try scratch.write(#"{"signal":"old"}"#, to: "snapshots/sensor-a.json")
    try sensor("a", body, mode: mode)
    let sensed = sense()
    #expect(snapshot("sensor-a")?["signal"] == ["error": true, "exit_code": .int(code)])
    #expect(sensed.sensors.first?.failure != nil)
    #expect(sensed.notices.contains { $0.code == "sense.fail" })
  }

  @Test func `a plain exit of 130 is not called a signal`() throws {
    try sensor("a", "exit 130")
    #expect(sense().sensors.first?.failure == "exited with 130")
    try sensor("a", "kill -INT $$")
    #expect(sense().sensors.first?.failure == "ended by SIGINT")
  }

  @Test func `a bad shebang is an error, and last beat's stderr is not blamed`() throws {
    try sensor("a", "echo old >&2; exit 1")
    _ = sense()
    #expect(scratch.read("snapshots/sensor-a.err") == "old\n")
    try scratch.write("#!/nowhere/sh\n", to: "sensors/a.sh", mode: 0o755)
    _ = sense()
    #expect(snapshot("sensor-a")?["detail"]?["stderr"] == "")
    #expect(!scratch.exists("snapshots/sensor-a.err"))
  }

  @Test func `a hanging sensor is killed with its children, and delays nobody else's reading`() throws {
    try sensor("hang", "sleep 9999 & echo $! > child; wait")
    try sensor("ok", "echo '{\"signal\":1}'")
    let sensed = sense(["LOOOP_SENSOR_TIMEOUT": "1"])
    #expect(snapshot("sensor-hang")?["signal"]?["exit_code"] == 124)
    #expect(snapshot("sensor-ok") == ["signal": 1])
    let child = try #require(scratch.read("child").flatMap { Int32($0.dropLast()) })
    #expect(eventually { ProcessIdentity.of(child) == nil })
    #expect(sensed.sensors.count == 2)
  }

  @Test func `a sensor that prints too much is cut off in words`() throws {
    try sensor("a", "head -c 9000 /dev/zero | tr '\\0' x")
    #expect(sense().sensors.first?.failure == nil)
    #expect(snapshot("sensor-a")?["signal"] == ["error": "too-large", "cap": 8192])
    #expect(snapshot("sensor-a")?["detail"]?["bytes"] == 9000)
    _ = sense(["LOOOP_SENSOR_MAX_BYTES": "0"])
    #expect(scratch.read("snapshots/sensor-a.json")?.utf8.count == 9000)
  }

  @Test func `output that is no JSON is kept and hashed as it is`() throws {
    try sensor("a", "printf oops")
    let first = sense().world
    #expect(scratch.read("snapshots/sensor-a.json") == "oops")
    try sensor("a", "printf ooops")
    #expect(sense().world.hash != first.hash)
  }

  @Test func `a fresh sensor is not run again, an edited one is`() throws {
    let body = "# looop:interval=3600\necho x >> runs.txt\necho '{\"signal\":1}'"
    try sensor("a", body)
    _ = sense()
    #expect(sense().sensors.first?.isFresh == true)
    #expect(scratch.read("runs.txt") == "x\n")
    // A snapshot from the future is fresh: the clock was set back.
    let past = FixedClock(Double(HostClock.system.now) - 90_000)
    #expect(sense(clock: past.clock).sensors.first?.isFresh == true)
    let later = FixedClock(Double(HostClock.system.now) + 3700)
    #expect(sense(clock: later.clock).sensors.first?.isFresh == false)
    try sensor("a", body + "\n")
    // File times are coarse: an edit in the same tick as the snapshot would look as old as that.
    let touched = try RunningProcess.shell("touch -d '+2 seconds' '\(scratch.appending("sensors/a.sh"))'")
    #expect(touched.exitCode == 0)
    #expect(sense().sensors.first?.isFresh == false)
    #expect(scratch.read("runs.txt") == "x\nx\nx\n")
  }

  @Test func `a failing sensor waits for its interval too`() throws {
    try sensor("a", "# looop:interval=60\necho x >> runs.txt\nprintf 'one\\n\\033[31mHTTP 401\\n\\n' >&2\nexit 1")
    let start = Double(HostClock.system.now)
    for seconds in [0, 30.0] { _ = sense(clock: FixedClock(start + seconds).clock) }
    #expect(scratch.read("runs.txt") == "x\n")
    // Nobody takes it for well because it was not asked.
    let told = sense(clock: FixedClock(start + 40).clock).sensors.first
    #expect(told?.isFresh == true)
    #expect(told?.failure == "exited with 1: [31mHTTP 401; it is asked again when its interval is over")
    // The second failure says the same; its age counts from then on.
    let path = scratch.appending("snapshots/sensor-a.json")
    #expect(try RunningProcess.shell("touch -d '-70 seconds' '\(path)'").exitCode == 0)
    for _ in 0..<2 { _ = sense() }
    #expect(scratch.read("runs.txt") == "x\nx\n")
  }

  @Test func `an unchanged snapshot stays fresh though it is not rewritten`() throws {
    try sensor("a", "# looop:interval=60\necho '{\"signal\":1}'")
    _ = sense()
    let path = scratch.appending("snapshots/sensor-a.json")
    let inode = try #require(self.inode(path))
    let before = try #require(Snapshots.modified(path))
    let later = FixedClock(Double(HostClock.system.now) + 61)
    #expect(sense(clock: later.clock).sensors.first?.isFresh == false)
    #expect(self.inode(path) == inode)
    #expect(try #require(Snapshots.modified(path)) > before)
  }

  @Test(
    arguments: [
      ("# looop:interval=60", 60), ("\n\n# looop:interval=5 seconds", 5), ("# looop:interval=0", nil),
      ("# looop:interval=x", nil), (String(repeating: "#\n", count: 20) + "# looop:interval=9", nil),
      (String(repeating: "#\n", count: 19) + "# looop:interval=9", 9),
    ] as [(String, Int64?)])
  func `the cadence stands in the first twenty lines`(_ text: String, _ seconds: Int64?) {
    #expect(SensorScript.interval(ofHeader: text) == seconds)
  }

  @Test func `snapshots are pruned by ownership`() throws {
    try sensor("a", "echo 1")
    for name in ["sensor-gone.json", "sensor-a.json.tmp", "sensor-a.err", "stray.json", "sys-goals.json"] {
      try scratch.write("1", to: "snapshots/\(name)")
    }
    try sensor("a", "echo err >&2; echo 1")
    _ = sense()
    #expect(
      scratch.names("snapshots") == [
        "sensor-a.err", "sensor-a.json", "sys-asks.json", "sys-claims.json", "sys-goals.json", "sys-schedules.json",
        "sys-sessions.json",
      ])
  }

  @Test func `sessions that cannot be listed do not change the world`() throws {
    let worker = SessionSummary(id: "w", state: "running", alive: true, health: "busy")
    let before = sense(sessions: [worker])
    let after = sense(sessions: nil)
    #expect(before.world.hash == after.world.hash)
    #expect(after.notices.contains { $0.code == "fleet.list_degraded" })
  }

  @Test func `an unchanged beat writes nothing`() throws {
    for name in ["a", "b", "c"] { try sensor(name, "echo '{\"signal\":1}'") }
    let worker = { SessionSummary(id: "w", state: "running", alive: true, health: "busy", idleSeconds: $0) }
    let ask = AskRecord(id: "w-1", worker: "w", prompt: "?", ts: 5)
    let first = sense(sessions: [worker(1)], asks: [ask])
    let before = listing()
    let second = sense(sessions: [worker(2)], asks: [ask])
    #expect(listing() == before)
    #expect(second.world.hash == first.world.hash)
    // The prompt still sees this moment's details.
    let fresh = second.world.snapshots.first { $0.stem == "sys-sessions" }?.json
    #expect(fresh?["detail"]?["workers"]?["w"]?["idle_s"] == 2)
    try Sense.publishReadings(data, second)
    #expect(snapshot("sys-sessions") == fresh)
  }

  @Test func `a directory in a file's place is skipped, an unreadable list is a problem`() throws {
    try Directory.create(scratch.appending("goals/dir.md"))
    let world = World.read(data)
    #expect(world.items["goal:dir"] == nil)
    #expect(world.problems.isEmpty)
    try Directory.removeTree(scratch.appending("goals"))
    try scratch.write("x", to: "goals")
    #expect(World.read(data).problems.isEmpty)
  }

  private func inode(_ path: FilePath) -> UInt64? {
    var status = stat()
    return stat(path.string, &status) == 0 ? UInt64(status.st_ino) : nil
  }

  /// Every file with its inode and times: what a write would change.
  private func listing() -> [String: [Int]] {
    var found: [String: [Int]] = [:]
    for directory in ["", "snapshots", "goals", "sensors"] {
      for name in (try? Directory.names(scratch.appending(directory), includingHidden: true)) ?? [] {
        var status = stat()
        let path = directory.isEmpty ? name : "\(directory)/\(name)"
        guard name != "..", stat(scratch.appending(path).string, &status) == 0 else { continue }
        found[path] = [Int(status.st_ino), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
      }
    }
    return found
  }
}
