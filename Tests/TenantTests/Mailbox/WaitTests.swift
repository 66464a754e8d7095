import CLinux
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite(.timeLimit(.minutes(2))) struct WaitTests {
  /// A data dir whose pulse seems to run.
  private final class Loop: Sendable {
    let scratch: ScratchDirectory
    var data: DataDir { scratch.dataDir }
    private let lock: Locked<CInt>

    init() throws {
      scratch = try ScratchDirectory()
      for directory in ["asks", "answers", "goals", "snapshots", ".lock"] {
        try Directory.create(scratch.appending(directory))
      }
      let descriptor = open(scratch.appending(".lock/lock").string, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      flock(descriptor, LOCK_EX)
      lock = Locked(descriptor)
    }

    func stop() { lock.withLock { _ = flock($0, LOCK_UN) } }
    deinit { lock.withLock { _ = close($0) } }
  }

  /// The outcome of a wait that is disturbed after it began.
  private func outcome(
    _ loop: Loop, _ filter: Wait.Filter = .any, after token: String? = nil, poll: Int = 10_000,
    _ disturb: @escaping @Sendable () throws -> Void
  ) throws -> Wait.Outcome? {
    let result = Locked<Wait.Outcome?>(nil)
    let data = loop.data
    race(2) { index in
      if index == 0 {
        let found = try? Wait(data, filter: filter, pollMilliseconds: poll).run(after: token)
        result.withLock { $0 = found }
      } else {
        usleep(60_000)
        try? disturb()
      }
    }
    return result.withLock { $0 }
  }

  @Test func `a pending ask is news, whatever the filter`() throws {
    let loop = try Loop()
    _ = try Asks(loop.data).create(worker: "w", prompt: "?", now: 1)
    for filter in [Wait.Filter.any, .actionable, .onlyAsks] {
      #expect(try Wait(loop.data, filter: filter).run().changed == ["asks"])
    }
  }

  @Test func `each category wakes`() throws {
    let loop = try Loop()
    let scratch = loop.scratch
    #expect(try outcome(loop) { try scratch.write("x", to: "PLAYBOOK.md") }?.changed == ["playbook"])
    #expect(try outcome(loop) { try scratch.write("x", to: "goals/g.md") }?.changed == ["goals"])
    #expect(
      try outcome(loop) { try scratch.write("not json", to: "snapshots/sensor-a.json") }?.changed == ["snapshots"])
    #expect(
      try outcome(loop) { try AppendLog(loop.data.journal, maximumBytes: 0).append("- x") }?.changed == ["journal"])
  }

  @Test func `a filter sleeps through the rest, and detail is never news`() throws {
    let loop = try Loop()
    let scratch = loop.scratch
    try scratch.write(#"{"signal":1,"detail":1}"#, to: "snapshots/sensor-a.json")
    let found = try outcome(loop, .actionable) {
      try scratch.write(#"{"signal":1,"detail":2}"#, to: "snapshots/sensor-a.json")
      try scratch.write("x", to: "goals/g.md")
      usleep(60_000)
      _ = try Asks(loop.data).create(worker: "w", prompt: "?", now: 1)
    }
    #expect(found?.changed == ["asks"])
  }

  @Test func `with a token only what is newer wakes`() throws {
    let loop = try Loop()
    let asks = Asks(loop.data)
    _ = try asks.create(worker: "w", prompt: "?", now: 1)
    _ = try asks.create(worker: "w", prompt: "?", now: 1)
    let first = try Wait(loop.data).run()
    #expect(first.changed == ["asks"])
    // Seen; answering one of them is no news either; a third one is.
    let second = try outcome(loop, .onlyAsks, after: first.token) {
      try Answers(loop.data).give("w-1", "yes", now: 2)
      usleep(60_000)
      _ = try asks.create(worker: "w", prompt: "?", now: 3)
    }
    #expect(second?.changed == ["asks"])
    #expect(second?.token != first.token)
    // What happened while nobody waited is not missed.
    try loop.scratch.write("x", to: "goals/g.md")
    #expect(try Wait(loop.data).run(after: second?.token).changed == ["goals"])
    #expect(throws: Refusal.self) { try Wait(loop.data).run(after: "nonsense") }
  }

  @Test func `many asks make a token that still knows them`() throws {
    let asks = (0..<300).map { AskRecord(id: "w-\($0)", worker: "w", prompt: "?", ts: 1) }
    let scratch = try ScratchDirectory()
    let mark = WakeMark.read(scratch.dataDir, pending: asks)
    let known = try #require(WakeMark(token: mark.token))
    #expect(mark.token.utf8.count < 200)
    #expect(mark.changes(since: known) == [])
    func changes(_ pending: [AskRecord], since known: WakeMark) -> [String] {
      WakeMark.read(scratch.dataDir, pending: pending).changes(since: known)
    }
    #expect(changes(asks + [AskRecord(id: "x-1", worker: "x", prompt: "?", ts: 1)], since: known) == ["asks"])
    #expect(changes(asks + [AskRecord(id: "x-1", worker: "x", prompt: "?", ts: 2)], since: known) == ["asks"])
    // An answer is no news, be it to the newest or to the oldest, and a new ask after it is.
    #expect(changes(Array(asks.dropLast()), since: known) == [])
    #expect(changes(Array(asks.dropFirst(250)), since: known) == [])
    let new = AskRecord(id: "x-1", worker: "x", prompt: "?", ts: 2)
    #expect(changes(asks.dropFirst() + [new], since: known) == ["asks"])
    var left = known
    left.asks = known.asks.forgetting(allBut: WakeMark.read(scratch.dataDir, pending: Array(asks.dropFirst(9))).asks)
    #expect(changes(Array(asks.dropFirst(8)), since: left) == ["asks"])
  }

  @Test func `of many asks the last second's are told apart`() throws {
    let scratch = try ScratchDirectory()
    let asks = (0..<150).map { AskRecord(id: "w-\($0)", worker: "w", prompt: "?", ts: Int64($0 / 2)) }
    func mark(_ asks: [AskRecord]) -> WakeMark { WakeMark.read(scratch.dataDir, pending: asks) }
    let known = try #require(WakeMark(token: mark(asks).token))
    #expect(known.token == mark(asks).token)
    #expect(mark(asks).changes(since: known) == [])
    let other = AskRecord(id: "x-1", worker: "x", prompt: "?", ts: 74)
    #expect(mark(asks.dropFirst() + [other]).changes(since: known) == ["asks"])
  }

  @Test(arguments: ["a_", "a_1", "a_1-2-zzzzzzzzzz", "ax!", "a_zzzzzzzzzzzzzzzz-1", "1"])
  func `what is no token is refused`(_ asks: String) {
    #expect(WakeMark(token: asks + ".j0.p0.g0.s0") == nil)
  }

  @Test func `a pulse that is gone ends the wait`() throws {
    let loop = try Loop()
    let found = try outcome(loop, .onlyAsks, poll: 20) { loop.stop() }
    #expect(found?.isPulseDown == true)
    #expect(try Wait(loop.data).run().isPulseDown)
  }

  @Test func `the state document has looop's keys`() throws {
    let loop = try Loop()
    let scratch = loop.scratch
    _ = try Asks(loop.data).create(worker: "w", prompt: "?", now: 1)
    try scratch.write("g", to: "goals/g.md")
    try scratch.write(#"{"signal":{"a":1}}"#, to: "snapshots/sensor-a.json")
    try scratch.write("no json", to: "snapshots/sensor-b.json")
    try scratch.write((1...30).map { "- line \($0)\n" }.joined(), to: "journal.md")
    let meta: JSON = ["id": "w", "cmd": ["x"], "babysit_pid": 2_000_000_000, "started_at": "2026-01-01T00:00:00Z"]
    for (id, change) in [
      ("old", "2026-01-01T00:00:00Z"), ("new", "2026-01-02T00:00:00Z"), ("pulse", "2026-01-03T00:00:00Z"),
    ] {
      try Directory.create(loop.data.session(id))
      try StateFile.write(meta, to: loop.data.session(id).appending("meta.json"))
      try StateFile.write(
        ["state": "exited", "exit_code": 0, "last_change": .string(change)],
        to: loop.data.session(id).appending("status.json"))
    }
    var writer = JSONWriter(pretty: true)
    StateView.read(loop.data).write(to: &writer, changed: ["asks"], token: "t")
    let json = try JSON(parsing: writer.bytes)
    #expect(json.pretty == String(decoding: writer.bytes, as: UTF8.self), "the members are in order")
    #expect(
      json.object?.keys.sorted() == [
        "asks", "changed", "data_dir", "goals", "journal_tail", "pulse_alive", "snapshots", "token", "workers",
        "world_hash",
      ])
    #expect(json["pulse_alive"] == true)
    #expect(json["goals"] == ["g"])
    #expect(json["snapshots"] == ["sensor-a": ["signal": ["a": 1]]])
    #expect(json["journal_tail"]?.array?.count == 20)
    #expect(json["journal_tail"]?.array?.last == "- line 30")
    #expect(json["workers"]?.array?.compactMap { $0["id"]?.string } == ["new", "old"])
    #expect(json["world_hash"]?.string?.count == 32)
  }
}

@Suite struct ReportBuilderTests {
  @Test func `a report knows wishes, sessions, asks and troubles`() throws {
    let fixture = try SessionFixture()
    var wish = WorkerRecord(id: "waiting", requestedAt: 5, generation: "g")
    wish.repo = "web"
    wish.goal = "ship"
    try WorkerRecords(fixture.data).write(wish)
    try fixture.scratch.write("{", to: "d/workers/broken.json")
    let me = try #require(ProcessIdentity.of(getpid()))
    let meta: JSON = [
      "id": "live", "cmd": ["x"], "babysit_pid": .int(Int64(me.pid)), "started_at": "2026-01-01T00:00:00Z",
      "start_time": .int(me.startTime), "boot_id": .string(me.bootID),
    ]
    try fixture.write(session: "live", meta: meta, status: ["state": "running"])
    try fixture.write(session: "pulse", meta: meta, status: ["state": "running"])
    let asks = Asks(fixture.data)
    _ = try asks.create(worker: "live", prompt: "?", now: 1)
    _ = try asks.create(worker: "waiting", prompt: "?", now: 2, irreversible: true)
    let report = ReportBuilder(
      fixture.data, clock: FixedClock(1_800_000_000).clock, configurationProblem: "broken config"
    )
    .report()
    #expect(report.workers.map(\.record.id) == ["live", "waiting"])
    #expect(report.workers[0].health == "waiting-ask")
    #expect(report.workers[0].record.process == me)
    #expect(report.workers[1].record.phase == .pending)
    #expect(report.asks.map(\.workerAlive) == [true, false])
    #expect(report.asks[1].goal == "ship")
    #expect(report.asks[1].irreversible)
    #expect(report.problems.count == 2)
    #expect(report.problems[0] == "broken config")
    let back = try #require(TenantReport(json: try JSON(parsing: report.json.compact)))
    #expect(back.workers.map(\.record.id) == ["live", "waiting"])
    #expect(back.asks == report.asks)
  }
}

@Suite(.timeLimit(.minutes(1))) struct TakeOverTests {
  private func pair() -> (CInt, CInt) {
    var ends: [CInt] = [-1, -1]
    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends)
    return (ends[0], ends[1])
  }

  private func receive(_ socket: CInt) -> (JSON?, [CInt]) {
    var bytes = [UInt8](repeating: 0, count: 4096)
    var descriptors = [CInt](repeating: -1, count: 8)
    var count: CInt = 0
    let got = bytes.withUnsafeMutableBytes {
      clinux_receive_descriptors(socket, $0.baseAddress!, $0.count, &descriptors, &count)
    }
    return (try? JSON(parsing: Array(bytes.prefix(max(0, got)))), Array(descriptors.prefix(Int(count))))
  }

  @Test func `a tenant is handed over, and its lock lives on with the receiver`() throws {
    let scratch = try ScratchDirectory()
    let (ours, theirs) = pair()
    defer { [ours, theirs].forEach { close($0) } }
    _ = [UInt8(10)].withUnsafeBytes { write(ours, $0.baseAddress, 1) }
    #expect(TakeOver(scratch.dataDir, fleetSocket: "/run/f.sock", tenant: "web").run(socket: theirs) == 0)
    let (answer, descriptors) = receive(ours)
    #expect(answer?["ok"] == true)
    #expect(descriptors.count == 2)
    #expect(FileLock.isHeld(scratch.dataDir.pulseLock))
    #expect(scratch.json(".fleet.json") == ["v": 1, "socket": "/run/f.sock", "tenant": "web"])
    let names = Set(try #require(answer?["watches"]?.object).map(\.value).compactMap(\.string))
    #expect(names == ["data", "goals", "asks", "answers", "workers", "schedules", "sensors", "parked"])
    // The watches work in the receiver.
    _ = try Asks(scratch.dataDir).create(worker: "w", prompt: "?", now: 1)
    let watch = FileWatch(owning: OwnedDescriptor(owning: descriptors[1]))
    let events = watch.drain()
    let asks = try #require(answer?["watches"]?.object?.first { $0.value == "asks" }?.key)
    #expect(events.contains { String($0.watch) == asks && $0.name == "w-1.json" })
    close(descriptors[0])
    #expect(!FileLock.isHeld(scratch.dataDir.pulseLock))
  }

  @Test func `a tenant that is given back loses the mark of that fleet, and no other's`() throws {
    let scratch = try ScratchDirectory()
    let ours = TakeOver(scratch.dataDir, fleetSocket: "/run/f.sock", tenant: "web")
    try ours.release()
    try scratch.write(#"{"v":1,"socket":"/run/g.sock","tenant":"web"}"#, to: ".fleet.json")
    try ours.release()
    #expect(scratch.json(".fleet.json")?["socket"] == "/run/g.sock")
    try scratch.write(#"{"v":1,"socket":"/run/f.sock","tenant":"web"}"#, to: ".fleet.json")
    try ours.release()
    #expect(FileReading.of(scratch.dataDir.fleetMark) == .absent)
  }

  @Test func `a given inotify is used, and one whose lock is held is foreign`() throws {
    let scratch = try ScratchDirectory()
    let (ours, theirs) = pair()
    defer { [ours, theirs].forEach { close($0) } }
    let inotify = inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK))
    defer { close(inotify) }
    #expect(clinux_send_descriptors(ours, "\n", 1, [inotify], 1) == 1)
    let takeOver = TakeOver(scratch.dataDir, fleetSocket: "/s", tenant: "t")
    #expect(takeOver.run(socket: theirs) == 0)
    let (first, descriptors) = receive(ours)
    #expect(first?["ok"] == true)
    #expect(descriptors.count == 1)

    try scratch.write("4711\n", to: ".lock/pid")
    _ = [UInt8(10)].withUnsafeBytes { write(ours, $0.baseAddress, 1) }
    #expect(takeOver.run(socket: theirs) == 0)
    let (second, none) = receive(ours)
    #expect(second == ["foreign": true, "pid": 4711])
    #expect(none.isEmpty)
    descriptors.forEach { close($0) }
  }
}
