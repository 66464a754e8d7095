import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import looop

/// The state of `watch`, key by key.
@Suite struct LooopWatchModelTests {
  private func session(_ id: String, alive: Bool = true, up: Int64? = nil) -> SessionSummary {
    SessionSummary(id: id, state: alive ? "running" : "exited", alive: alive, health: "busy", uptimeSeconds: up)
  }

  private func model(
    _ sessions: [SessionSummary], ended: [String: Int64] = [:], filter: WatchModel.Filter = .living
  )
    -> WatchModel
  {
    var model = WatchModel(filter: filter)
    model.rows = 12
    model.columns = 60
    model.update([session("pulse")] + sessions, ended: ended, now: 1000)
    model.lines = 0..<100
    return model
  }

  @Test func `the pulse is first, then the youngest, then those of unknown age`() {
    let model = model([session("old", up: 90), session("new", up: 5), session("unknown")])
    #expect(model.sessions.map(\.id) == ["pulse", "new", "old", "unknown"])
  }

  @Test func `filters hide the ended, and Tab shows all`() {
    let sessions = [session("live"), session("just", alive: false), session("long", alive: false)]
    let ended: [String: Int64] = ["just": 990, "long": 10]
    var shown = model(sessions, ended: ended)
    #expect(shown.sessions.map(\.id) == ["pulse", "live"])
    #expect(shown.hidden == 2)
    #expect(model(sessions, ended: ended, filter: .recent(60)).sessions.map(\.id) == ["pulse", "just", "live"])
    _ = shown.apply(.tab)
    shown.update([session("pulse")] + sessions, ended: ended, now: 1000)
    #expect(shown.sessions.count == 4)
    _ = shown.apply(.tab)
    #expect(shown.filter == .living)
  }

  @Test func `a session asked for stays listed after its end`() {
    var model = WatchModel(selected: "w")
    model.update([session("pulse"), session("w", alive: false)], now: 0)
    #expect(model.sessions.map(\.id) == ["pulse", "w"])
    #expect(model.selected == "w")
  }

  @Test func `a selected session that goes gives way to its neighbour`() {
    var model = model([session("a", up: 1), session("b", up: 2)])
    _ = model.apply(.down)
    _ = model.apply(.down)
    #expect(model.selected == "b")
    model.update([session("pulse"), session("a", up: 1)], now: 1001)
    #expect(model.selected == "a")
  }

  @Test func `scrolling anchors a line, and the end follows again`() {
    var model = model([])
    #expect(model.paneRows == 9)
    #expect(model.top == 91)
    _ = model.apply(.control("p"))
    #expect(model.top == 90)
    model.lines = 0..<200
    #expect(model.top == 90)
    _ = model.apply(.control("u"))
    #expect(model.top == 86)
    _ = model.apply(.text("g"))
    #expect(model.top == 0)
    _ = model.apply(.pageDown)
    #expect(model.top == 8)
    _ = model.apply(.text("G"))
    #expect(model.scroll == .following)
    _ = model.apply(.wheelUp)
    #expect(model.top == 188)
    _ = model.apply(.control("f"))
    #expect(model.scroll == .following)
    // Lines that are gone cannot be seen.
    _ = model.apply(.home)
    model.lines = 50..<250
    #expect(model.top == 50)
  }

  @Test func `the mouse selects rows and drags the bar`() {
    var model = model([session("a", up: 1), session("b", up: 2)])
    // Pane of 7 rows, heading, then the three rows.
    #expect(model.paneRows == 7)
    _ = model.apply(.press(row: 10, column: 3))
    #expect(model.selected == "b")
    model.lines = 0..<107
    _ = model.apply(.press(row: 0, column: 59))
    #expect(model.top == 0)
    _ = model.apply(.drag(row: 3, column: 10))
    #expect(model.top == 50)
    _ = model.apply(.drag(row: 6, column: 10))
    #expect(model.scroll == .following)
    _ = model.apply(.release)
    _ = model.apply(.drag(row: 0, column: 59))
    #expect(model.scroll == .following)
  }

  @Test func `more sessions than rows scroll with the selection`() {
    var model = model((1...9).map { session("w\($0)", up: Int64($0)) })
    #expect(model.tableRows == 5)
    for _ in 0..<9 { _ = model.apply(.down) }
    #expect(model.selected == "w9")
    #expect(model.tableTop == 5)
    for _ in 0..<9 { _ = model.apply(.up) }
    #expect(model.tableTop == 0)
  }

  @Test func `q and ^C leave`() {
    var model = model([])
    let left = [Key.text("q"), .control("c"), .escape, .enter].map { model.apply($0) }
    #expect(left == [true, true, false, false])
  }

  @Test func `a picture has exactly the screen's rows, whatever the size`() {
    for rows in 6...40 {
      for count in [0, 1, 5, 20] {
        var model = model((0..<count).map { session("w\($0)") })
        model.rows = rows
        model.update(model.sessions, now: 1001)
        let picture = WatchPicture(model: model, line: { "line \($0) \($1)" }).rows()
        #expect(picture.count == rows, "\(rows) rows, \(count) sessions")
      }
    }
  }

  @Test func `random keys keep the view inside the log`() {
    var random = SeededGenerator(seed: 5)
    let keys: [Key] = [
      .up, .down, .tab, .home, .end, .pageUp, .pageDown, .wheelUp, .wheelDown, .control("p"), .control("n"),
      .control("u"),
      .control("d"), .press(row: 3, column: 59), .drag(row: 5, column: 59), .release, .press(row: 9, column: 1),
    ]
    var model = model((0..<7).map { session("w\($0)") })
    for _ in 0..<5000 {
      _ = model.apply(keys.randomElement(using: &random) ?? .up)
      if Bool.random(using: &random) {
        let lower = Int.random(in: 0...50, using: &random)
        model.lines = lower..<(lower + Int.random(in: 0...120, using: &random))
        model.rows = Int.random(in: 1...50, using: &random)
        model.update(model.sessions, now: 1000)
      }
      #expect(model.top >= model.lines.lowerBound)
      #expect(model.top <= max(model.lines.lowerBound, model.lines.upperBound - model.paneRows))
      #expect(model.sessions.contains { $0.id == model.selected })
    }
  }
}

/// `watch` in a real terminal, by its screen.
@Suite(.enabled(if: access("/usr/bin/tmux", X_OK) == 0, "needs tmux"), .timeLimit(.minutes(2)))
struct LooopWatchScreenTests {
  let home: LooopHome
  let socket: String

  init() throws {
    home = try LooopHome()
    socket = home.scratch.appending("tmux").string
    try #require(
      try home.looop([
        "init", "--tick-command", "true", "--worker-command", "bash -c 'tail -n 1 {{prompt_file}} | bash'",
      ])
      .exitCode == 0)
  }

  private func tmux(_ arguments: [String]) throws -> String {
    let result = try RunningProcess.run(
      "/usr/bin/tmux", ["-S", socket, "-f", "/dev/null"] + arguments, environment: ["TERM": "xterm"])
    return result.output
  }

  private func screen() throws -> String { try tmux(["capture-pane", "-p"]) }

  @Test func `it shows a worker's log, follows it, scrolls and leaves`() throws {
    let script =
      "for i in $(seq 300); do echo line $i; done; while [ ! -e \(home.scratch.path)/go ]; do sleep 0.05; done; echo the end; sleep 300"
    #expect(try home.looop(["worker", "start", "w1", script]).exitCode == 0)
    let environment = home.environment.map { "\($0.key)='\($0.value)'" }.joined(separator: " ")
    _ = try tmux([
      "new-session", "-d", "-x", "100", "-y", "24",
      "\(environment) '\(BuiltProducts.looop)' watch w1; echo left; sleep 60",
    ])
    defer { _ = try? tmux(["kill-server"]) }
    #expect(try eventually { try screen().contains("line 300") })
    let first = try screen()
    #expect(first.contains("❯ w1"))
    #expect(first.contains("ID     HEALTH  STATE"))
    #expect(first.contains("w1 · living"))
    _ = try tmux(["send-keys", "g"])
    #expect(try eventually { try screen().hasPrefix("line 1 ") })
    // Scrolled back, the view stays where it is while the log grows.
    try home.scratch.write("", to: "go")
    #expect(eventually { home.scratch.read("sessions/w1/output.log")?.contains("the end") == true })
    #expect(try screen().hasPrefix("line 1 "))
    _ = try tmux(["send-keys", "G"])
    #expect(try eventually { try screen().contains("the end") })
    _ = try tmux(["send-keys", "Up"])
    #expect(try eventually { try screen().contains("❯ pulse") })
    _ = try tmux(["send-keys", "q"])
    #expect(try eventually { try screen().contains("left") })
  }
}
