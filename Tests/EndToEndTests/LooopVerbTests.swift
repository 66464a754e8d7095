import SystemPackage
import Tenant
import TestSupport
import Testing

/// The built `looop` from outside: spellings, exit codes, bodies, help, refusals.
@Suite struct LooopVerbTests {
  let home: LooopHome

  init() throws { home = try LooopHome() }

  @Test func `both spellings are one verb`() throws {
    for arguments in [["state", "--json"], ["asks", "--json"], ["schedule", "list"], ["version"]] {
      let plain = try home.looop(arguments)
      let prefixed = try home.looop(["_"] + arguments)
      #expect(plain.exitCode == 0, "\(plain.errors)")
      #expect(plain.output == prefixed.output)
    }
    #expect(try home.looop(["_", "_", "version"]).exitCode == 1)
  }

  static let refused: [String] = [
    "nosuch", "state --nosuch", "answer", "goal", "goal write", "ask", "ask w", "wait --after nonsense", "told",
    "claim x",
    "schedule write s", "schedule write s --every 59", "schedule write s --in 1 --every 60",
    "worker list --json --watch",
    "worker list --interval 3", "kill pulse", "kill nobody", "tell nobody hi", "goal archive nobody",
    "goal write ../x text",
    "run", "run false", "run sudo true", "screenshot nobody", "watch", "watch nobody", "watch --since soon", "up",
    "client",
    "send", "rpc-bridge", "notify", "attach", "flag", "ask w --prompt x --detach", "worker start w p --resume x",
    "worker start w p --model x", "help --json", "help no topic", "--tenant", "--tenant nobody state", "goal list",
    "sensor rm x", "config powershell",
    "goal write a/b x", "worker start .w x", "sensor add github", "sensor add url u --url nowhere", "usage",
  ]

  @Test func `an unknown verb of a group names the known ones`() throws {
    #expect(
      try run("goal list").errors == "looop: there is no `looop goal list`\nhint: looop goal write | archive\n")
    #expect(try run("sensor add jira board").errors.hasPrefix("looop: there is no `looop sensor add jira`\nhint: "))
    #expect(try run("schedule rm a b").errors.hasPrefix("looop: unexpected argument 'b'"))
  }

  @Test func `a script without an interpreter is told when it is written and when it fails`() throws {
    let written = try home.looop(["sensor", "write", "s", "echo 1"])
    #expect(written.exitCode == 0 && written.errors.contains("#!/bin/sh"))
    #expect(try home.looop(["init", "--runner", "rules"]).exitCode == 0)
    let beat = try home.looop(["beat"])
    #expect(beat.output.contains("its first line must name its interpreter"), "\(beat.output)")
    #expect(beat.output.contains("] noop · nothing to do yet: edit rules.json ("), "\(beat.output)")
  }

  static let answered: [String] = [
    "version", "--version", "-V", "", "help", "--help", "-h", "help worker start", "asks", "limits", "cost", "down",
    "unclaim x --session s", "schedule rm nobody", "worker list --all",
  ]

  private func run(_ line: String) throws -> FinishedProcess {
    try home.looop(
      line.split(separator: " ").map(String.init), environment: ["LOOOP_FLEET_SOCKET": "/nonexistent/fleet.sock"])
  }

  @Test(arguments: refused) func `a refusal is exit 1 with a word about it`(line: String) throws {
    let result = try run(line)
    #expect(result.exitCode == 1, "\(result.output)\(result.errors)")
    #expect(result.errors.contains("looop: "))
    #expect(!result.errors.contains("looop: looop:"))
    #expect(result.output.isEmpty)
    // What a command itself said is all there is to say; `up` has its hint in the sentence (as looop 1.0).
    #expect(["run false", "up"].contains(line) || result.errors.contains("\nhint: "), "\(result.errors)")
  }

  @Test(arguments: answered) func `an answer is exit 0`(line: String) throws {
    let result = try run(line)
    #expect(result.exitCode == 0, "\(result.errors)")
    #expect(!result.output.isEmpty || line.hasPrefix("unclaim"))
  }

  @Test func `a data dir without HOME is exit 2`() throws {
    let result = try RunningProcess.shell("env -i '\(BuiltProducts.looop)' state")
    #expect(result.exitCode == 2)
    #expect(result.errors.contains("HOME"))
  }

  @Test func `help of any verb has no side effect`() throws {
    try home.scratch.write("mine\n", to: "PLAYBOOK.md")
    let before = home.scratch.names("")
    for topic in [
      "playbook write", "goal write x", "sensor write x", "answer x", "run", "tell w", "worker start x", "up", "down",
      "init",
      "kill x", "ask", "told", "state", "asks", "sensor add url", "watch", "wait", "beat", "claim",
    ] {
      let result = try home.looop(topic.split(separator: " ").map(String.init) + ["--help"], input: "never read")
      #expect(result.exitCode == 0, "\(topic): \(result.errors)")
      #expect(result.output.contains("USAGE: looop"), "\(topic)")
    }
    #expect(home.scratch.read("PLAYBOOK.md") == "mine\n")
    #expect(home.scratch.names("") == before)
  }

  @Test func `bodies come from words or from standard input`() throws {
    func goal(_ words: [String], _ input: String = "") throws -> String? {
      let result = try home.looop(["goal", "write", "g"] + words, input: input)
      #expect(result.exitCode == 0, "\(words): \(result.errors)")
      #expect(result.output == "write-goal g\n")
      return home.scratch.read("goals/g.md")
    }
    #expect(try goal(["one", "two"]) == "one two\n")
    #expect(try goal([], "from\nstdin\n\n") == "from\nstdin\n\n")
    #expect(try goal(["-"], "dash") == "dash\n")
    #expect(try goal(["a", "-", "b"]) == "a - b\n")
    #expect(try goal(["--", "-x", "--y"]) == "-x --y\n")
    #expect(try goal(["text", "--journal", "because"]) == "text\n")
    #expect(home.scratch.read("journal.md")?.contains(" because\n") == true)
  }

  @Test(arguments: [
    ["playbook", "write"], ["goal", "write", "g"], ["sensor", "write", "s"], ["worker", "start", "w"],
  ])
  func `an empty body changes nothing`(arguments: [String]) throws {
    try home.scratch.write("kept\n", to: "PLAYBOOK.md")
    for input in ["", "\n", "  \n\t\n"] {
      let result = try home.looop(arguments, input: input)
      #expect(result.exitCode == 1)
      #expect(result.errors.contains("empty"))
    }
    #expect(home.scratch.read("PLAYBOOK.md") == "kept\n")
    #expect(!home.scratch.exists("goals/g.md"))
    #expect(!home.scratch.exists("sensors/s.sh"))
    #expect(home.scratch.read("journal.md") == nil)
  }

  @Test func `aliases are understood`() throws {
    #expect(try home.looop(["goal", "w", "g", "x"]).exitCode == 0)
    #expect(try home.looop(["sensor", "w", "s", "echo 1"]).exitCode == 0)
    #expect(try home.looop(["playbook", "w", "p"]).exitCode == 0)
    #expect(try home.looop(["schedule", "w", "t", "--every", "60"]).exitCode == 0)
    #expect(try home.looop(["schedule", "ls"]).output.hasPrefix("t\t"))
    #expect(try home.looop(["w", "ls"]).output.hasPrefix("ID"))
    #expect(try home.looop(["worker", "list", "--json"]).json?.array?.first?["id"] == "pulse")
  }

  @Test func `state and schedules print their documents`() throws {
    #expect(
      try home.looop(["schedule", "write", "t", "--in", "100", "--note", "look"]).output
        == "write-schedule t (one-shot, due in 100s)\n")
    try home.scratch.write("{", to: "schedules/broken.json")
    let list = try home.looop(["schedule", "list", "--json"])
    #expect(list.json?["t"]?["note"] == "look")
    #expect(list.json?["broken"] == .null)
    #expect(list.errors.contains("broken.json"))
    let state = try #require(try home.looop(["state", "--json"]).json?.object)
    #expect(
      state.keys.sorted() == [
        "asks", "data_dir", "goals", "journal_tail", "pulse_alive", "snapshots", "workers", "world_hash",
      ])
    #expect(state["pulse_alive"] == false)
    #expect(state["asks"]?.array?.first?["id"] == "setup-1")
    #expect(try home.looop(["state"]).output.hasPrefix("pulse: DOWN  ·  asks: 1  ·  workers: 0 live / 0"))
  }

  @Test func `run takes dashes raw and quotes words`() throws {
    let words = try home.looop(["run", "--reason", "look", "printf", "%s|", "--a", "it's", "$HOME"])
    #expect(words.output == "run-shell · look\n")
    #expect(home.scratch.json(".last-shell.json")?["output"] == "--a|it's|$HOME|")
    #expect(try home.looop(["run", "echo $((1+1)); echo x >&2"]).exitCode == 0)
    let failed = try home.looop(["run", "echo some words; exit 7"])
    #expect(failed.exitCode == 1)
    #expect(failed.errors.contains("some words"))
  }

  @Test func `completion scripts parse and live ids are offered`() throws {
    for shell in ["bash", "zsh", "fish", "man"] {
      let script = try home.looop(["config", shell])
      #expect(script.exitCode == 0)
      #expect(script.output.contains("looop"))
    }
    try home.scratch.write(try home.looop(["config", "bash"]).output, to: "c.bash")
    #expect(try home.looop(["goal", "write", "ship-it", "x"]).exitCode == 0)
    let offered = try RunningProcess.shell(
      """
      PATH="\(BuiltProducts.directory):$PATH"; source ./c.bash
      COMP_WORDS=(looop goal archive sh); COMP_CWORD=3; COMP_LINE='looop goal archive sh'; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
      _looop looop sh archive; printf '%s\\n' "${COMPREPLY[@]}"
      """, environment: home.environment, directory: home.scratch.path)
    #expect(offered.output.contains("ship-it"), "\(offered.errors)")
    let man = try home.looop(["config", "man"]).output
    #expect(man.hasPrefix(".TH LOOOP 1"))
    #expect(man.contains(".SS looop worker start"))
  }
}
