import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct ClaimsTests {
  private let scratch: ScratchDirectory
  private let claims: Claims

  init() throws {
    scratch = try ScratchDirectory()
    claims = Claims(scratch.dataDir)
  }

  @Test func `a claim is taken, kept, held and given back`() throws {
    #expect(try claims.claim("x", session: "a", now: 10) { _ in true } == .claimed)
    let nonce = scratch.json("claims/x.json")?["nonce"]
    #expect(try claims.claim("x", session: "a", now: 20) { _ in true } == .kept)
    #expect(scratch.json("claims/x.json")?["ts"] == 20)
    #expect(scratch.json("claims/x.json")?["nonce"] != nonce)
    #expect(try claims.claim("x", session: "b", now: 20) { _ in true } == .heldBy("a"))
    #expect(try claims.claim("x", session: "b", now: 20) { _ in nil } == .heldBy("a"))
    #expect(try claims.release("x", session: "b", now: 20) { _ in true } == .heldBy("a"))
    #expect(try claims.release("x", session: "a", now: 20) { _ in true } == .released)
    #expect(try claims.release("x", session: "a", now: 20) { _ in true } == .absent)
  }

  @Test(arguments: [#"{"session":"dead","name":"x"}"#, "not json", #"{"name":"x"}"#, "{\"session\":"])
  func `what a dead or unreadable holder left can be taken`(_ old: String) throws {
    try scratch.write(old, to: "claims/x.json")
    #expect(try claims.claim("x", session: "b", now: 20) { $0 != "dead" } == .claimed)
    #expect(scratch.json("claims/x.json")?["session"] == "b")
  }

  @Test func `an empty file is being written, or debris`() throws {
    try scratch.write("", to: "claims/x.json")
    let now = HostClock.system.now
    #expect(try claims.claim("x", session: "b", now: now) { _ in false } == .contention)
    #expect(try claims.claim("x", session: "b", now: now + 11) { _ in false } == .claimed)
  }

  @Test func `of many racers one wins`() throws {
    let won = Locked(0)
    let claims = claims
    race(8) { index in
      if (try? claims.claim("x", session: "s\(index)", now: 1) { _ in true }) == .claimed { won.withLock { $0 += 1 } }
    }
    #expect(won.withLock { $0 } == 1)
  }

  @Test func `the reaper takes the dead's, keeps what it cannot judge`() throws {
    for (name, session) in [("a", "alive"), ("d", "dead"), ("u", "unknown")] {
      _ = try claims.claim(name, session: session, now: 1) { _ in true }
    }
    let judge: (String) -> Bool? = { $0 == "alive" ? true : $0 == "dead" ? false : nil }
    #expect(claims.reap(now: 2, isAlive: judge) == [Claims.Reaped(claim: "d", session: "dead")])
    #expect(scratch.names("claims") == ["a.json", "u.json"])
  }

  @Test func `a lease taken anew survives a reaper with stale bytes`() throws {
    _ = try claims.claim("x", session: "s", now: 1) { _ in true }
    let claims = claims
    // The holder dies, and while the reaper judges, the same id claims again.
    var asked = 0
    let reaped = claims.reap(now: 2) { _ in
      asked += 1
      _ = try? claims.claim("x", session: "s", now: 3) { _ in true }
      return false
    }
    #expect(asked == 1)
    #expect(reaped == [])
    #expect(scratch.json("claims/x.json")?["ts"] == 3)
  }

  @Test(arguments: ["", "a/b", ".x", "a b"]) func `bad names`(_ name: String) {
    #expect(throws: InvalidIdentifier.self) { try claims.claim(name, session: "s", now: 1) { _ in true } }
  }
}

@Suite struct TellsTests {
  @Test func `messages arrive once, oldest first`() throws {
    let scratch = try ScratchDirectory()
    let tells = Tells(scratch.dataDir)
    for number in 1...12 { try tells.queue("message \(number)", for: "w", now: Int64(number)) }
    try tells.queue("not for w", for: "w-2", now: 1)
    try tells.queue("nor this", for: "ww", now: 1)
    let record = scratch.json("tells/w-1.json")
    #expect(record == ["v": 1, "id": "w-1", "worker": "w", "msg": "message 1", "ts": 1])
    #expect(tells.drain("w", now: 5) == (1...12).map { "message \($0)" })
    #expect(tells.drain("w", now: 5) == [])
    #expect(scratch.names("tells/consumed").count == 12)
    #expect(try tells.pending("w-2") == ["w-2-1"])
  }

  @Test func `two drains never deliver one message twice`() throws {
    let scratch = try ScratchDirectory()
    let tells = Tells(scratch.dataDir)
    for number in 0..<40 { try tells.queue("m\(number)", for: "w", now: 1) }
    let got = Locked<[String]>([])
    race(4) { _ in
      let messages = tells.drain("w", now: 2)
      got.withLock { $0 += messages }
    }
    #expect(got.withLock { $0.sorted() } == (0..<40).map { "m\($0)" }.sorted())
  }

  @Test func `consumed ones are swept when they are old`() throws {
    let scratch = try ScratchDirectory()
    let tells = Tells(scratch.dataDir)
    try tells.queue("one", for: "w", now: 1)
    _ = tells.drain("w", now: 1)
    try tells.queue("two", for: "w", now: 1)
    _ = tells.drain("w", now: HostClock.system.now + 1000, keepSeconds: 500)
    #expect(scratch.names("tells/consumed").count == 1)
  }

  @Test(arguments: [
    ("w-1", "w", 1 as Int?), ("w-12", "w", 12), ("w-2-1", "w", nil), ("w-2-1", "w-2", 1), ("w-", "w", nil),
    ("w", "w", nil),
    ("w-x", "w", nil), ("w-99999999999999999999", "w", nil),
  ]) func `numbers of records`(_ stem: String, _ worker: String, _ expected: Int?) {
    #expect(RecordNumbers.number(of: stem, worker: worker) == expected)
  }

  @Test(
    arguments: [
      ([], 1), ([3, 1], 4), ([.max], 1), ([2, .max], 3), ([.max - 1], .max), ([.max - 1, .max], 1),
      ([1, .max - 1, .max], 2), ([-5, .min], 1),
    ] as [([Int], Int)]) func `the next number`(_ used: [Int], _ next: Int)
  {
    #expect(RecordNumbers.next(after: used) == next)
  }

  @Test func `debris with the last number stops no ask`() throws {
    let scratch = try ScratchDirectory()
    try scratch.write(#"{"prompt":"x","ts":1,"worker":"w"}"#, to: "asks/w-\(Int.max).json")
    let asks = Asks(scratch.dataDir)
    #expect(try asks.create(worker: "w", prompt: "?", now: 1).id == "w-1")
    #expect(try asks.create(worker: "w", prompt: "?", now: 1).id == "w-2")
  }
}
