import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// What `looop config` prints, in the shells themselves: TAB in a real zsh and a real fish, the man page in man.
@Suite(.timeLimit(.minutes(2))) struct LooopShellTests {
  let home: LooopHome
  /// Each shell finds `looop` and its data dir in its environment.
  private let environment: [String: String]

  init() throws {
    home = try LooopHome()
    environment = home.environment.merging([
      "PATH": "\(BuiltProducts.directory):\(HostEnvironment.current()["PATH"] ?? "/usr/bin:/bin")",
      "HOME": home.scratch.path.string, "TERM": "xterm",
    ]) { _, new in new }
    try #require(try home.looop(["goal", "write", "ship-it", "x"]).exitCode == 0)
    try #require(try home.looop(["asks"]).output.contains("setup-1"))
  }

  static let lines = [
    ("looop goal archive sh", "ship-it"), ("looop answer se", "setup-1"), ("looop sched", "schedule"),
  ]

  @Test(.enabled(if: access("/usr/bin/zsh", X_OK) == 0, "needs zsh"), arguments: lines)
  func `zsh completes on TAB`(typed: String, completed: String) throws {
    try home.scratch.write(
      """
      zmodload zsh/zpty
      zpty z zsh -f -i
      zpty -w z 'PROMPT="% "; autoload -Uz compinit; compinit -u -D; eval "$(looop config zsh)"; print RE""ADY'
      zpty -r z out '*READY*'
      zpty -w -n z $'\(typed)\\t'
      zpty -r -m z out '*\(completed)*' && print completed
      zpty -d z
      """, to: "drive.zsh")
    let driven = try RunningProcess.run(
      "/usr/bin/zsh", ["-f", home.scratch.appending("drive.zsh").string], environment: environment, within: 30)
    #expect(driven.output == "completed\n", "\(driven.errors)")
  }

  @Test(
    .enabled(if: access("/usr/bin/fish", X_OK) == 0, "needs fish"),
    .enabled(if: access("/usr/bin/tmux", X_OK) == 0, "needs tmux"), arguments: lines)
  func `fish completes on TAB`(typed: String, completed: String) throws {
    let screen = try TerminalUnderTest(home.scratch, environment: environment, command: "fish --no-config")
    try screen.type("looop config fish | source; echo RE''ADY", "Enter")
    #expect(try eventually { try screen.text().contains("\nREADY") })
    try screen.type(typed, "Tab")
    let whole = typed.split(separator: " ").dropLast().joined(separator: " ") + " " + completed
    let isCompleted = try eventually { try screen.text().contains(whole) }
    let last = try screen.text()
    #expect(isCompleted, "\(last)")
  }

  @Test(.enabled(if: access("/usr/bin/man", X_OK) == 0, "needs man"))
  func `man shows the page and has nothing to say about it`() throws {
    try home.scratch.write(try home.looop(["config", "man"]).output, to: "looop.1")
    let shown = try RunningProcess.run(
      "/usr/bin/man", ["-l", "--warnings", home.scratch.appending("looop.1").string],
      environment: environment.merging(["MANWIDTH": "100", "LC_ALL": "C.UTF-8"]) { _, new in new })
    #expect(shown.exitCode == 0 && shown.errors.isEmpty, "\(shown.errors)")
    #expect(shown.output.contains("looop worker start"))
    #expect(!shown.output.contains("\\-"), "no escape is left standing")
  }
}
