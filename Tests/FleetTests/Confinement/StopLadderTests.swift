import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@Suite struct StopLadderTests {
  private let policy = StopLadder.Policy(grace: 2, patience: 5, pause: 0.1)

  @Test func `nobody there is done at once`() {
    var ladder = StopLadder(policy: policy)
    #expect(ladder.on(.start(isPopulated: false, asks: true), now: 0) == [])
    #expect(ladder.outcome == .alreadyGone)
  }

  @Test func `who goes when asked is not killed`() {
    var ladder = StopLadder(policy: policy)
    #expect(ladder.on(.start(isPopulated: true, asks: true), now: 10) == [.terminate, .look(after: 0.1)])
    #expect(ladder.on(.seen(isPopulated: true, remaining: [5]), now: 11) == [.look(after: 0.1)])
    #expect(ladder.on(.seen(isPopulated: false, remaining: []), now: 11.5) == [])
    #expect(ladder.outcome == .ended(seconds: 1.5))
  }

  @Test func `who stays is killed when the grace is over, and the time counts from the start`() {
    var ladder = StopLadder(policy: policy)
    _ = ladder.on(.start(isPopulated: true, asks: true), now: 0)
    #expect(ladder.on(.seen(isPopulated: true, remaining: [5]), now: 2) == [.kill, .look(after: 0.1)])
    #expect(ladder.on(.seen(isPopulated: false, remaining: []), now: 2.1) == [])
    #expect(ladder.outcome == .killed(seconds: 2.1))
  }

  @Test(arguments: [(false, 2.0), (true, 0.0)]) func `the frozen and those without a grace are killed at once`(
    _ asks: Bool, _ grace: Double
  ) {
    var ladder = StopLadder(policy: .init(grace: grace, patience: 5, pause: 0.1))
    #expect(ladder.on(.start(isPopulated: true, asks: asks), now: 0) == [.kill, .look(after: 0.1)])
  }

  @Test func `who cannot be killed is named`() {
    var ladder = StopLadder(policy: policy)
    _ = ladder.on(.start(isPopulated: true, asks: false), now: 0)
    #expect(ladder.on(.seen(isPopulated: true, remaining: [7]), now: 4.9) == [.kill, .look(after: 0.1)])
    #expect(ladder.on(.seen(isPopulated: true, remaining: [7]), now: 5) == [])
    #expect(ladder.outcome == .stuck(pids: [7]))
    #expect(ladder.outcome?.isGone == false)
  }

  @Test(arguments: 1...200) func `whatever is seen, a stop ends in time and is never undone`(_ seed: UInt64) {
    var random = SeededGenerator(seed)
    var ladder = StopLadder(policy: policy)
    var now = 0.0
    var events: [StopLadder.Event] = [.start(isPopulated: true, asks: .random(using: &random))]
    var ended: StopOutcome?
    var looks = 0
    while let event = events.popLast() {
      let effects = ladder.on(event, now: now)
      if let ended { #expect(ladder.outcome == ended && effects.isEmpty) }
      ended = ladder.outcome
      if ended == .alreadyGone { Issue.record("it was there") }
      if ended != nil { break }
      guard case .look(let pause)? = effects.last else {
        Issue.record("neither done nor looking again")
        return
      }
      now += pause + .random(in: 0...0.3, using: &random)
      looks += 1
      events.append(.seen(isPopulated: .random(in: 0..<20, using: &random) > 0, remaining: [1]))
    }
    #expect(ended != nil)
    #expect(now <= policy.grace + policy.patience + 2)
    #expect(ladder.on(.start(isPopulated: true, asks: true), now: now) == [])
    #expect(ladder.outcome == ended)
  }
}

/// A small repeatable source of randomness (splitmix64).
private struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite struct ProcessWalkTests {
  private func process(_ pid: Int32, parent: Int32, session: Int32, marked: Bool = false) -> SeenProcess {
    SeenProcess(
      identity: ProcessIdentity(pid: pid, startTime: Int64(pid), bootID: "b"), parent: parent, session: session,
      isMarked: marked)
  }

  @Test func `descendants, their sessions and the marked are found, and nobody else`() {
    let processes = [
      process(1, parent: 0, session: 1), process(10, parent: 1, session: 10),
      // The leader, its child in another session, and that child's grandchild.
      process(20, parent: 10, session: 20), process(21, parent: 20, session: 21), process(22, parent: 21, session: 21),
      // Left its ancestry, still in the session.
      process(23, parent: 1, session: 20),
      // Left ancestry and session, still marked; and its child without the mark.
      process(24, parent: 1, session: 24, marked: true), process(25, parent: 24, session: 24),
      // Somebody else's, with the same name or none.
      process(30, parent: 10, session: 30), process(31, parent: 1, session: 31),
    ]
    let root = ProcessIdentity(pid: 20, startTime: 20, bootID: "b")
    #expect(
      ProcessWalk.select(from: processes, roots: [root], sparing: [10]).map(\.pid) == [20, 21, 22, 23, 24, 25])
  }

  @Test func `who is held still stands still with all that it started, and goes on`() throws {
    let mark = "LOOOP_WALK=\(getpid())-hold"
    let process = try RunningProcess(
      "/bin/bash", ["-c", "sleep 60 & sleep 60 & wait"], environment: ["LOOOP_WALK": "\(getpid())-hold"])
    defer { ProcessWalk(marks: [mark]).kill() }
    let walk = ProcessWalk(marks: [mark])
    #expect(eventually { walk.remaining().pids.count == 3 })
    func states() -> Set<String> {
      Set(
        walk.remaining().pids.compactMap { pid in
          FileReading.of(FilePath("/proc/\(pid)/stat"), maximumBytes: 4096).text?.split(separator: ")").last?
            .split(separator: " ").first.map(String.init)
        })
    }
    #expect(walk.hold(true))
    #expect(eventually { states() == ["T"] })
    #expect(walk.hold(false))
    #expect(eventually { states() == ["S"] })
    _ = process
  }

  @Test func `a recycled pid is not the leader`() {
    let processes = [process(20, parent: 1, session: 20)]
    let old = ProcessIdentity(pid: 20, startTime: 5, bootID: "b")
    #expect(ProcessWalk.select(from: processes, roots: [old], sparing: []).isEmpty)
  }

  @Test func `we ourselves are spared, even when marked, and what we started for others`() {
    let processes = [process(10, parent: 1, session: 10, marked: true), process(11, parent: 10, session: 10)]
    #expect(ProcessWalk.select(from: processes, roots: [], sparing: [10]).isEmpty)
  }
}
