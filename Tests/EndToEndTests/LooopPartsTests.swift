import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import looop

/// The small pure parts of `looop`.
@Suite struct LooopPartsTests {
  @Test(arguments: [
    ["looop", "_", "state"], ["looop", "state"], ["looop", "--tenant", "web", "_", "state"],
    ["looop", "_", "--tenant=web", "state"], ["looop", "--tenant=web", "state"],
  ])
  func `the underscore and the tenant are taken off`(line: [String]) throws {
    let invocation = try Invocation(line)
    #expect(invocation.arguments == ["state"])
    #expect((invocation.tenant == "web") == line.contains { $0.contains("web") })
  }

  @Test func `only what stands before the verb is taken off`() throws {
    #expect(try Invocation(["looop", "run", "--tenant", "x"]).arguments == ["run", "--tenant", "x"])
    #expect(try Invocation(["looop", "_", "_"]).arguments == ["_"])
    #expect(throws: Failure.self) { try Invocation(["looop", "--tenant"]) }
    #expect(throws: Failure.self) { try Invocation(["looop", "--tenant=", "state"]) }
  }

  @Test func `hot arguments leave everything unusual to the parser`() {
    let plain = HotArguments(["x", "--force", "--", "-y"], flags: ["--force"])
    #expect(plain?.words == ["x", "-y"])
    #expect(plain?.has("--force") == true)
    #expect(HotArguments(["--prompt", "a", "--prompt=b"], options: ["--prompt"])?["--prompt"] == "b")
    #expect(HotArguments(["-"])?.words == ["-"])
    for odd in [["--help"], ["-h"], ["--nosuch"], ["--prompt"], ["--prompt", "--x"], ["-5"], ["--force=1"]] {
      #expect(HotArguments(odd, flags: ["--force"], options: ["--prompt"]) == nil, "\(odd)")
    }
  }

  @Test func `keys are parsed whole, in pieces and after a pause`() {
    func keys(_ chunks: [[UInt8]]) -> [Key] {
      var parser = KeyParser()
      return chunks.flatMap { parser.feed($0) } + parser.flush()
    }
    #expect(keys([Array("a\u{1B}[A\u{1B}OBé\r".utf8)]) == [.text("a"), .up, .down, .text("é"), .enter])
    #expect(keys([[27], [91], [53, 126]]) == [.pageUp])
    #expect(keys([[0xC3], [0xA9]]) == [.text("é")])
    #expect(keys([[27]]) == [.escape])
    #expect(
      keys([Array("\u{1B}[<64;10;5M\u{1B}[<0;3;7M\u{1B}[<32;3;8M\u{1B}[<0;3;8m".utf8)]) == [
        .wheelUp, .press(row: 6, column: 2), .drag(row: 7, column: 2), .release,
      ])
    #expect(keys([[3, 4, 21, 127]]) == [.control("c"), .control("d"), .control("u"), .backspace])
  }

  @Test func `any bytes are keys in the end`() {
    var random = SeededGenerator(seed: 9)
    for _ in 0..<10_000 {
      var parser = KeyParser()
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        _ = parser.feed([UInt8.random(in: 0...255, using: &random)])
      }
      _ = parser.flush()
      #expect(!parser.isWaiting)
    }
  }

  @Test func `a line is edited in place`() {
    var editor = LineEditor("claude -p")
    for key: Key in [
      .home, .text("A"), .text("="), .text("1"), .text(" "), .end, .text("!"), .left, .delete, .control("b"),
    ] {
      _ = editor.apply(key)
    }
    #expect(editor.text == "A=1 claude -p")
    #expect(editor.cursor == 12)
    _ = editor.apply(.control("w"))
    #expect(editor.text == "A=1 claude p")
    _ = editor.apply(.control("u"))
    #expect(editor.text == "p")
    let outcomes = [Key.left, .enter, .escape].map { editor.apply($0) }
    #expect(outcomes == [.editing, .accepted, .aborted])
    var empty = LineEditor("")
    let left = empty.apply(.control("d"))
    #expect(left == .aborted)
    let long = LineEditor(String(repeating: "日", count: 40))
    let window = long.window(columns: 20)
    #expect(TextWidth.of(window.text) <= 20)
    #expect(window.column <= 20)
  }

  @Test(
    arguments: [
      ("claude -p", "claude"), ("FOO=1 BAR_2=x codex exec", "codex"), ("'my agent' -x", nil), ("\"pi\" -p", "pi"),
      ("$RUNNER x", nil), ("a\\ b", nil), ("'' x", nil), ("ag'e'nt", nil), ("2FOO=1 x", "2FOO=1"),
      ("/opt/bin/x y", "/opt/bin/x"),
      ("", nil), ("A=1", nil), ("'open", nil),
    ] as [(String, String?)])
  func `the program of a command is found, or left to the shell`(command: String, program: String?) {
    #expect(RunnerPreflight.program(of: command) == program)
  }

  @Test func `widths count columns, and control characters never get through`() {
    #expect(TextWidth.of("abc") == 3)
    #expect(TextWidth.of("日本") == 4)
    #expect(TextWidth.of("e\u{301}") == 1)
    #expect(TextWidth.clip("日本語です", to: 6) == "日本…")
    #expect(TextWidth.clip("short", to: 6) == "short")
    #expect(TextWidth.plain("a\u{1B}[2Jb\nc") == "a [2Jb c")
    var table = TextTable(["A", "B"])
    table.rows = [["日本", "x"], ["y", "zz"]]
    #expect(table.lines(columns: 80) == ["A     B", "日本  x", "y     zz"])
  }

  @Test(
    arguments: [
      (0, "just now"), (44, "just now"), (45, "1m ago"), (89, "1m ago"), (120, "2m ago"), (7200, "2h ago"),
      (200_000, "2d ago"),
    ] as [(Int64, String)])
  func `ages read as a person says them`(seconds: Int64, text: String) { #expect(Age.ago(seconds) == text) }

  @Test(
    arguments: [
      ("90", 90), ("45s", 45), ("30m", 1800), ("12h", 43200), ("1d", 86400), ("", nil), ("x", nil), ("-1", nil),
      ("1w", nil), ("99999999999999999d", nil),
    ] as [(String, Int64?)])
  func `times of --since`(text: String, seconds: Int64?) { #expect(WatchVerb.seconds(text) == seconds) }

  @Test func `answers of HTTP are read in each framing`() throws {
    func parse(_ text: String) throws -> (Int, String) {
      let reply = try SocketRequest.parse(Array(text.utf8))
      return (reply.status, String(decoding: reply.body, as: UTF8.self))
    }
    #expect(try parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") == (200, "{}"))
    #expect(try parse("HTTP/1.1 404 Not Found\r\n\r\ngone") == (404, "gone"))
    #expect(
      try parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n") == (
        200, "abcde"
      ))
    for broken in [
      "", "HTTP/1.1 200 OK\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
      #expect(throws: SocketRequest.Failure.notUnderstood, "\(broken)") { try SocketRequest.parse(Array(broken.utf8)) }
    }
  }

  @Test func `standard input is read for a relay only where the verb takes it`() {
    for words in [
      ["answer", "x"], ["goal", "write", "g"], ["playbook", "w"], ["worker", "start", "w", "--journal", "j"],
      ["answer", "x", "-"],
    ] {
      #expect(TenantSelection.readsInput(words), "\(words)")
    }
    for words in [
      ["answer", "x", "yes"], ["state"], ["asks", "--json"], ["goal", "archive", "g"], ["playbook", "write", "--help"],
    ] {
      #expect(!TenantSelection.readsInput(words), "\(words)")
    }
  }

  @Test func `sockets of a fleet`() {
    let user = HostEnvironment(["HOME": "/home/a", "XDG_RUNTIME_DIR": "/run/user/5"])
    #expect(
      FleetSocket.places(user, isRoot: false) == [
        "/run/user/5/looop-fleet/fleet.sock", "/home/a/.local/state/looop-fleet/fleet.sock",
        "/run/looop-fleet/fleet.sock",
      ])
    #expect(FleetSocket.places(user, isRoot: true) == ["/run/looop-fleet/fleet.sock"])
    #expect(FleetSocket.places(HostEnvironment(["LOOOP_FLEET_SOCKET": "/s"]), isRoot: false) == ["/s"])
  }
}
