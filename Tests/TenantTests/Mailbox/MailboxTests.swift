import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct GateAnswerTests {
  @Test(
    arguments: [
      ("gate-1", ["LOOOP_SESSION_ID": "w"], "worker w"), ("gate-1", ["LOOOP_IN_BEAT": "1"], "a command of the loop"),
      ("gate-1", [:], nil), ("gate-1", ["LOOOP_SESSION_ID": ""], nil), ("w-1", ["LOOOP_SESSION_ID": "w"], nil),
      ("gates-1", ["LOOOP_IN_BEAT": "1"], nil),
    ] as [(String, [String: String], String?)])
  func `only a human answers for a parked move`(_ ask: String, _ environment: [String: String], _ who: String?) {
    let refusal = GateAnswer.refusal(ask, in: HostEnvironment(environment))
    #expect((refusal == nil) == (who == nil))
    if let who { #expect(refusal?.cause.contains(who) == true && refusal?.hint != nil) }
  }
}

@Suite struct AsksTests {
  @Test func `what is pending, oldest first`() throws {
    let scratch = try ScratchDirectory()
    let data = scratch.dataDir
    try scratch.write(#"{"id":"b-1","prompt":"second","ts":20,"v":1,"worker":"b","future":1}"#, to: "asks/b-1.json")
    try scratch.write(
      #"{"id":"a-1","prompt":"first","ts":10,"worker":"a","options":["yes"],"reference":"r"}"#, to: "asks/a-1.json")
    try scratch.write(#"{"prompt":"answered","ts":1,"worker":"a"}"#, to: "asks/a-2.json")
    try scratch.write(#"{"answer":"ok","ts":2}"#, to: "answers/a-2.json")
    try scratch.write(#"{"prompt":"old","ts":0,"worker":"o","detach":true}"#, to: "asks/o-1.json")
    try scratch.write(#"{"prompt":"x"}"#, to: "asks/archive/z-1.json")
    try scratch.write("x", to: "asks/.dirlock")
    try scratch.write(#"{"worker":"n"}"#, to: "asks/n-1.json")
    try scratch.write("{", to: "asks/t-1.json")
    let listing = Asks(data).pending()
    #expect(listing.asks.map(\.id) == ["o-1", "a-1", "b-1"])
    #expect(listing.problems == ["asks/n-1.json is not an ask", "asks/t-1.json is not an ask"])
    var writer = JSONWriter(pretty: false)
    listing.asks[1].write(to: &writer)
    #expect(
      try JSON(parsing: writer.bytes) == [
        "id": "a-1", "worker": "a", "prompt": "first", "ts": 10, "reference": "r", "options": ["yes"],
      ])
    #expect(Asks.waitingWorkers(listing.asks) == ["a", "b"])
  }

  /// Read without a value in between, an ask is what it is by the whole reader.
  @Test(arguments: [
    #"{"prompt":"p"}"#, #" {"prompt":"p","ts":1.0,"worker":7,"options":["a",1,"b"],"x":{"y":[1,{}]}} "#,
    #"{"prompt":"a","prompt":"b"}"#, #"{"prompt":"a","prompt":1}"#, #"{"prompt":null}"#, "{}", "[]", "", "{",
    #"{"prompt":"p"} x"#, #"{"prompt":"p",}"#, #"{"prompt" "p"}"#, #"{"pro\u006dpt":"escaped key"}"#,
    #"{"prompt":"p","detach":true,"irreversible":"no","goal":"g","reference":null}"#, #""prompt""#, #"{"prompt":"p""#,
  ])
  func `an ask is read as its JSON says`(_ text: String) {
    let ask = AskRecord(id: "w-1", parsing: Array(text.utf8))
    guard let json = try? JSON(parsing: text), let prompt = json["prompt"]?.string else {
      #expect(ask == nil)
      return
    }
    #expect(ask?.prompt == prompt)
    #expect(ask?.worker == json["worker"]?.string ?? "w-1")
    #expect(ask?.ts == json["ts"]?.int ?? 0)
    #expect(ask?.options == json["options"]?.array?.compactMap(\.string) ?? [])
    #expect(ask?.goal == json["goal"]?.string && ask?.reference == json["reference"]?.string)
    #expect(ask?.detached == json["detach"]?.bool ?? false && ask?.irreversible == json["irreversible"]?.bool ?? false)
  }

  @Test func `what is written reads back as it was`() throws {
    let full = AskRecord(
      id: "w-1", worker: "w", prompt: "a \"quoted\"\u{1}\n→ line", ts: 5, reference: "r", options: ["x", "y\\"],
      goal: "g", irreversible: true)
    let json = try JSON(parsing: full.file())
    #expect(String(decoding: full.file(), as: UTF8.self) == json.pretty + "\n", "keys in order")
    #expect(json["v"] == 1 && AskRecord(id: "w-1", parsing: full.file()) == full)
    #expect(try JSON(parsing: full.file(version: false))["v"] == nil)
  }

  @Test(arguments: ["", "{", #"{"answer":5}"#, "[]"]) func `a corrupt answer leaves the ask pending`(
    _ answer: String
  ) throws {
    let scratch = try ScratchDirectory()
    let ask = try Asks(scratch.dataDir).create(worker: "w", prompt: "?", now: 1)
    try scratch.write(answer, to: "answers/\(ask.id).json")
    let listing = Asks(scratch.dataDir).pending()
    #expect(listing.asks.map(\.id) == [ask.id])
    #expect(listing.problems.count == 1)
    let refusal = #expect(throws: Refusal.self) { try Answers(scratch.dataDir).give(ask.id, "yes", now: 2) }
    #expect(refusal?.code == .corrupt)
    try Answers(scratch.dataDir).give(ask.id, "yes", force: true, now: 2)
    #expect(Asks(scratch.dataDir).pending() == Asks.Listing())
  }

  @Test func `numbers count asks and answers, and racers get different ones`() throws {
    let scratch = try ScratchDirectory()
    let asks = Asks(scratch.dataDir)
    try scratch.write(#"{"answer":"x","ts":1}"#, to: "answers/w-7.json")
    #expect(try asks.create(worker: "w", prompt: "?", now: 1).id == "w-8")
    let ids = Locked<[String]>([])
    race(8) { _ in
      guard let ask = try? asks.create(worker: "w", prompt: "?", now: 2) else { return }
      ids.withLock { $0.append(ask.id) }
    }
    #expect(ids.withLock { $0.sorted() } == ["w-10", "w-11", "w-12", "w-13", "w-14", "w-15", "w-16", "w-9"])
    #expect(opendirNames(scratch.dataDir.asks)?.filter { $0.hasSuffix(".tmp") } == [])
  }

  @Test(arguments: ["", "  \n"]) func `an empty prompt is refused`(_ prompt: String) throws {
    let scratch = try ScratchDirectory()
    #expect(throws: Refusal.self) { try Asks(scratch.dataDir).create(worker: "w", prompt: prompt, now: 1) }
  }

  @Test func `what lies in the mailbox by chance brings nothing down`() throws {
    let scratch = try ScratchDirectory()
    var random = SeededGenerator(seed: 7)
    let seed = Array(#"{"id":"w-1","prompt":"Shall I?","ts":10,"v":1,"worker":"w","options":["a","b"]}"#.utf8)
    try Directory.create(scratch.dataDir.asks)
    try Directory.create(scratch.dataDir.answers)
    for round in 0..<10_000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch UInt8.random(in: 0...2, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(place...)
        default: bytes.insert(contentsOf: seed.prefix(place), at: place)
        }
        if bytes.isEmpty { bytes = [0x20] }
      }
      // Not through a synchronized write: this is about reading.
      let path = scratch.appending(round % 2 == 0 ? "asks/w-1.json" : "answers/w-1.json")
      let file = try OwnedDescriptor(opening: path, O_WRONLY | O_CREAT | O_TRUNC)
      try file.writeAll(bytes, path)
      _ = Asks(scratch.dataDir).pending()
      _ = Answers(scratch.dataDir).read("w-1")
    }
  }
}

@Suite struct AnswersTests {
  @Test func `the first answer wins`() throws {
    let scratch = try ScratchDirectory()
    let ask = try Asks(scratch.dataDir).create(worker: "w", prompt: "?", now: 1)
    let answers = Answers(scratch.dataDir)
    let codes = Locked<[Refusal.Code?]>([])
    race(8) { index in
      do {
        try answers.give(ask.id, "answer \(index)", by: "racer \(index)", via: "test", now: 5)
        codes.withLock { $0.append(nil) }
      } catch {
        codes.withLock { $0.append((error as? Refusal)?.code) }
      }
    }
    #expect(codes.withLock { $0.filter { $0 == nil }.count } == 1)
    #expect(codes.withLock { $0.filter { $0 == .alreadyAnswered }.count } == 7)
    let record = try #require(scratch.json("answers/\(ask.id).json"))
    #expect(record["answer"]?.string?.last == record["by"]?.string?.last)
    #expect(record["via"] == "test")
    try answers.give(ask.id, "changed", force: true, now: 6)
    #expect(answers.read(ask.id) == .text("changed", ts: 6))
  }

  @Test(arguments: [("nobody-1", "yes", Refusal.Code.notFound), ("w-1", " \n", .invalid)])
  func `refusals`(_ ask: String, _ text: String, _ code: Refusal.Code) throws {
    let scratch = try ScratchDirectory()
    _ = try Asks(scratch.dataDir).create(worker: "w", prompt: "?", now: 1)
    let refusal = #expect(throws: Refusal.self) { try Answers(scratch.dataDir).give(ask, text, now: 1) }
    #expect(refusal?.code == code)
    #expect(scratch.names("answers") == [])
  }

  @Test func `a mailbox that cannot be looked at is not an empty one`() throws {
    let scratch = try ScratchDirectory()
    try Directory.create(scratch.dataDir.asks)
    #expect(symlink("w-1.json", scratch.appending("asks/w-1.json").string) == 0)
    #expect(throws: HostError.self) { try Answers(scratch.dataDir).give("w-1", "yes", now: 1) }
  }
}

@Suite(.timeLimit(.minutes(2))) struct AskBlockTests {
  /// Asks on a thread of its own; the answer comes back through the box.
  private func asking(_ block: AskBlock) -> Locked<Result<String, Refusal>?> {
    let result = Locked<Result<String, Refusal>?>(nil)
    let thread = Unmanaged.passRetained(
      Work {
        do {
          let text = try block.ask(worker: "w", prompt: "Shall I?", options: ["yes", "no"])
          result.withLock { $0 = .success(text) }
        } catch {
          result.withLock { $0 = .failure(error as? Refusal ?? Refusal(.unavailable, "\(error)")) }
        }
      }
    ).toOpaque()
    var id = pthread_t()
    pthread_create(
      &id, nil,
      { pointer in
        Unmanaged<Work>.fromOpaque(pointer!).takeRetainedValue().body()
        return nil
      }, thread)
    pthread_detach(id)
    return result
  }

  private final class Work {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  private func waitForAsk(_ data: DataDir, _ id: String = "w-1") -> Bool {
    eventually { Asks(data).pending().asks.contains { $0.id == id } }
  }

  @Test func `the answer comes back, and only it`() throws {
    let scratch = try ScratchDirectory()
    let result = asking(AskBlock(scratch.dataDir, clock: .system))
    #expect(waitForAsk(scratch.dataDir))
    try Answers(scratch.dataDir).give("w-1", "yes\nplease", now: 1)
    #expect(eventually { result.withLock { $0 } == .success("yes\nplease") })
  }

  @Test func `it goes on at once, not at the next poll`() throws {
    let scratch = try ScratchDirectory()
    var times: [Double] = []
    for round in 1...15 {
      let result = asking(AskBlock(scratch.dataDir, clock: .system, pollMilliseconds: 10_000))
      #expect(waitForAsk(scratch.dataDir, "w-\(round)"))
      try Answers(scratch.dataDir).give("w-\(round)", "yes", now: 1)
      let started = HostClock.system.monotonic()
      #expect(eventually(within: 5, every: 0) { result.withLock { $0 } != nil })
      times.append((HostClock.system.monotonic() - started) * 1000)
    }
    #expect(times.sorted()[7] < 20, "\(times)")
  }

  @Test func `what the human said meanwhile goes before the answer`() throws {
    let scratch = try ScratchDirectory()
    let result = asking(AskBlock(scratch.dataDir, clock: .system))
    #expect(waitForAsk(scratch.dataDir))
    try Tells(scratch.dataDir).queue("slow down", for: "w", now: 1)
    try Tells(scratch.dataDir).queue("use main", for: "w", now: 1)
    try Answers(scratch.dataDir).give("w-1", "yes", now: 1)
    #expect(
      eventually {
        result.withLock { $0 }
          == .success("[steering from the human while you waited …]\n• slow down\n• use main\n---\nyes")
      })
  }

  @Test func `a corrupt answer, a deleted ask and a passed deadline end the wait in words`() throws {
    let corrupt = try ScratchDirectory()
    let first = asking(AskBlock(corrupt.dataDir, clock: .system))
    #expect(waitForAsk(corrupt.dataDir))
    try corrupt.write("{\"answ", to: "answers/w-1.json")
    #expect(eventually { first.withLock { $0?.code } == .corrupt })

    let deleted = try ScratchDirectory()
    let second = asking(AskBlock(deleted.dataDir, clock: .system))
    #expect(waitForAsk(deleted.dataDir))
    AtomicFile.remove(deleted.dataDir.ask("w-1"))
    #expect(eventually { second.withLock { $0?.code } == .vanished })

    let late = try ScratchDirectory()
    let third = asking(AskBlock(late.dataDir, clock: .system, timeoutSeconds: 0.2))
    #expect(eventually { third.withLock { $0?.code } == .timeout })
    #expect(Asks(late.dataDir).pending().asks.count == 1)
  }
}

extension Result where Failure == Refusal {
  fileprivate var code: Refusal.Code? { if case .failure(let refusal) = self { refusal.code } else { nil } }
}
