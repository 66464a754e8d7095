import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// What a person sees of workers: the repainted list, the live view, a session's screen.
@Suite(.timeLimit(.minutes(2))) struct LooopScreenTests {
  static let hasTmux = access("/usr/bin/tmux", X_OK) == 0
  let home: LooopHome

  init() throws {
    home = try LooopHome()
    try #require(
      try home.looop([
        "init", "--tick-command", "true", "--worker-command", "bash -c 'tail -n 1 {{prompt_file}} | bash'",
      ])
      .exitCode == 0)
  }

  private func terminal(_ command: String, columns: Int = 100) throws -> TerminalUnderTest {
    try TerminalUnderTest(
      home.scratch, environment: home.environment, command: "'\(BuiltProducts.looop)' \(command); echo left; sleep 60",
      columns: columns)
  }

  @Test(.enabled(if: hasTmux, "needs tmux")) func `the watched list repaints in its place`() throws {
    let screen = try terminal("worker list --watch --interval 1 --all")
    #expect(try eventually { try screen.text().contains("pulse") })
    #expect(try home.looop(["worker", "start", "w1", "sleep 300"]).exitCode == 0)
    #expect(try eventually { try screen.text().contains("w1") })
    #expect(try home.looop(["worker", "kill", "w1"]).exitCode == 0)
    #expect(
      try eventually {
        let text = try screen.text()
        return text.contains("killed") || text.contains("dead")
      })
    #expect(try screen.text().split(separator: "\n").filter { $0.hasPrefix("ID ") }.count == 1)
    try screen.resize(columns: 44, rows: 10)
    #expect(try eventually { try screen.text().split(separator: "\n").allSatisfy { $0.count <= 44 } })
    try screen.type("C-c")
  }

  @Test(.enabled(if: hasTmux, "needs tmux")) func `the live view of an empty loop, resized and without colour`() throws
  {
    let screen = try TerminalUnderTest(
      home.scratch, environment: home.environment.merging(["NO_COLOR": "1"]) { _, new in new },
      command: "'\(BuiltProducts.looop)' watch; echo left; sleep 60")
    #expect(try eventually { try screen.text().contains("❯ pulse") })
    for (columns, rows) in [(40, 6), (20, 3), (160, 50), (80, 24)] {
      try screen.resize(columns: columns, rows: rows)
      #expect(try eventually { try screen.text().contains("pulse") }, "\(columns)x\(rows)")
    }
    #expect(try eventually { try screen.text().contains("❯ pulse") })
    let coloured = try screen.colouredText()
    // 39 is the terminal's own colour.
    #expect(coloured.firstMatch(of: /\u{1B}\[(?:[0-9;]*;)?[34][0-7]m/) == nil, "NO_COLOR")
    try screen.type("q")
    #expect(try eventually { try screen.text().contains("left") })
  }

  @Test func `a screenshot is the session's screen, alive or dead, in each format`() throws {
    #expect(
      try home.looop(["worker", "start", "w1", #"printf '\033[31mred\033[0m and \033[1mbold\033[0m'; exec sleep 300"#])
        .exitCode == 0)
    #expect(try eventually { try home.looop(["screenshot", "w1"]).output == "red and bold\n" })
    for isAlive in [true, false] {
      if !isAlive { #expect(try home.looop(["worker", "kill", "w1"]).exitCode == 0) }
      #expect(try home.looop(["ss", "w1", "--plain"]).output == "red and bold\n")
      #expect(
        try home.looop(["ss", "w1", "--no-trim"]).output.split(separator: "\n", omittingEmptySubsequences: false).count
          == 25)
      let coloured = try home.looop(["ss", "w1", "--ansi"]).output
      #expect(coloured.contains("\u{1B}[") && coloured.contains("red") && coloured.contains("31"))
      let json = try #require(try home.looop(["ss", "w1", "--json"]).json)
      #expect(json["rows"] == 24 && json["cols"] == 80 && json["format"] == "json")
      #expect(json["alternate_screen"] == false && json["cursor"]?["col"] == 12)
      let cells = try #require(json["cells"]?.array)
      #expect(cells.first?["char"] == "r" && cells.first?["fg"] == "idx1")
      #expect(cells.first { $0["char"] == "b" }?["bold"] == true)
    }
    #expect(try home.looop(["screenshot", "nobody"]).exitCode == 1)
    #expect(try home.looop(["screenshot", "w1", "--ansi", "--json"]).exitCode == 1)
  }
}
