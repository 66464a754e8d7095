import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// What `serve` checks before it starts and leaves when it ends, and what the mailbox tells outside.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct FleetGuardTests {
  @Test func `a guard that is required and not there is fatal, and says what to do`() throws {
    let fleet = try FleetUnderTest(fleet: "  require: [user]\n")
    try fleet.makeTenant("web")
    // Without a user of its own a tenant runs as ours: that guard cannot hold.
    let served = try RunningProcess.run(
      BuiltProducts.looopFleet, ["serve"], environment: fleet.environment, within: 20)
    #expect(served.exitCode == 1)
    #expect(served.errors.contains("required and not enforced: user"), "\(served.errors)")
    #expect(served.errors.contains("user:") || served.errors.contains("--create-user"), "\(served.errors)")
  }

  /// Sends elsewhere, to a page that says 200 to everybody, until `web` is there; then it keeps what it gets.
  private static let receiver = #"""
    import os, sys
    from http.server import BaseHTTPRequestHandler, HTTPServer
    place = sys.argv[1]
    class Receiver(BaseHTTPRequestHandler):
        def log_message(self, *words): pass
        def answer(self, status, *header):
            self.send_response(status)
            for name, value in header: self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
        def do_GET(self): self.answer(200)
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not os.path.exists(place + "/web"): return self.answer(302, ("Location", "/login"))
            with open(place + "/received", "ab") as file: file.write(body + b"\n")
            self.answer(204)
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    print(server.server_port, flush=True)
    server.serve_forever()
    """#

  @Test func `an ask goes to the hook and the webhook, and what one does not take is counted until it does`() throws {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n")
    let program = try fleet.scratch.write(Self.receiver, to: "receiver.py")
    let receiver = try RunningProcess("/usr/bin/env", ["python3", "-I", "\(program)", "\(fleet.scratch.path)"])
    try #require(eventually(within: 20) { receiver.output.hasSuffix("\n") }, "\(receiver.errors)")
    let port = try #require(Int(receiver.output.dropLast()))
    let hook = try fleet.scratch.write(
      """
      #!/bin/bash
      [ -e '\(fleet.scratch.path)/open' ] || { echo 'nobody listens' >&2; exit 1; }
      cat >>'\(fleet.scratch.path)/heard'

      """, to: "bin/hook", mode: 0o755)
    try fleet.scratch.write(
      "fleet:\n  meter_every: 1s\n  hooks: { ask: [\(hook)], webhook: \"http://127.0.0.1:\(port)/asks\" }\ndefaults:\n  interval: 1s\n",
      to: "etc/fleet.yaml")
    try fleet.makeWorkingTenant("web")
    try fleet.start()
    #expect(try eventually(within: 30) { try fleet.ask("web/mend-1") != nil })
    func delivery() throws -> JSON? {
      try fleet.status()["fleet"]?["guards"]?.array?.first { $0["name"]?.string == "delivery" }
    }
    #expect(try eventually(within: 20) { try delivery()?["enforced"]?.bool == false }, "\(fleet.log)")
    #expect(try delivery()?["detail"]?.string?.contains("nobody listens") == true)
    let socket = fleet.scratch.appending("state/fleet.sock").string
    let metrics = try RunningProcess.run("/usr/bin/curl", ["-s", "--unix-socket", socket, "http://fleet/metrics"])
    #expect(metrics.output.contains("looop_fleet_asks_undelivered 1"))
    try fleet.scratch.write("", to: "open")
    // The hook has it; the webhook said nothing but where else to go.
    #expect(try eventually(within: 40) { try delivery()?["detail"]?.string?.contains("answered with 302") == true })
    #expect(try delivery()?["enforced"]?.bool == false)
    try fleet.scratch.write("", to: "web")
    #expect(try eventually(within: 40) { try delivery()?["enforced"]?.bool == true })
    #expect(fleet.scratch.read("received")?.contains("\"key\":\"web/mend-1@") == true)
    let heard = FileReading.of(fleet.scratch.appending("heard")).text ?? ""
    #expect(heard.contains("\"id\":\"web/mend-1\"") && heard.contains("Commit it?"))
  }

  @Test func `inside a fleet a loop sees the fleet's limits`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeTenant("web", yaml: "budget: { usd_per_day: 7, decides_per_day: 9 }\n")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    let limits = try fleet.looop("web", "_", "limits", "--json").json
    #expect(limits?["fleet"]?["usd"]?["left"]?.double == 7)
    #expect(limits?["fleet"]?["decides"]?["cap"]?.int == 9)
    #expect(limits?["usd"]?.isNull == true)
  }
}

/// Needs root: users and control groups.
@Suite(.serialized, .timeLimit(.minutes(3)), .enabled(if: geteuid() == 0, "needs root: it makes a user"))
struct FleetRootGuardTests {
  @Test func `tenant add makes the user, and a worker that eats its memory is told as such`() throws {
    let fleet = try FleetUnderTest()
    let user = "looopt-made"
    defer { _ = try? RunningProcess.run("/usr/sbin/userdel", ["--remove", user]) }
    try fleet.start()
    let added = try fleet.run(
      "tenant", "add", "made", "--data-dir", fleet.dataDir("made").root.string, "--user", user, "--create-user",
      "--memory-max", "48M")
    #expect(added.exitCode == 0, "\(added.errors)")
    #expect(try RunningProcess.run("/usr/bin/id", ["-u", user]).exitCode == 0)
    let owner = try RunningProcess.run("/usr/bin/stat", ["-c", "%U %a", fleet.dataDir("made").root.string]).output
    #expect(owner.hasPrefix("\(user) 700"))
    #expect(try fleet.run("tenant", "show", "made").exitCode == 0)
    let begun = try RunningProcess.run(
      "/usr/sbin/runuser",
      [
        "-u", user, "--", "env", "LOOOP_DATA_DIR=\(fleet.dataDir("made").root)", BuiltProducts.looop.string, "init",
        "--runner", "rules",
      ])
    #expect(begun.exitCode == 0, "\(begun.errors)")
    let wished = try RunningProcess.run(
      "/usr/sbin/runuser",
      [
        "-u", user, "--", "env", "LOOOP_DATA_DIR=\(fleet.dataDir("made").root)", BuiltProducts.looop.string, "_",
        "worker", "start", "hungry", "sleep 1; x=$(head -c 300M /dev/zero | tr '\\0' x); exit 3",
      ])
    #expect(wished.exitCode == 0, "\(wished.errors)")
    #expect(
      try eventually(within: 40) {
        try fleet.worker("made", "hungry")?["reason"]?.string?.contains("out of memory") == true
      }, "\(fleet.log)")
    let base = "/sys/fs/cgroup"
    func groups() throws -> String {
      try RunningProcess.shell("find \(base) -type d -name t-made 2>/dev/null").output
    }
    #expect(try fleet.run("down", "--workers").exitCode == 0)
    #expect(try eventually(within: 10) { try groups().isEmpty })
  }

  @Test func `a worker that removes its own record keeps its place, is told of, and can be killed`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeTenant("web", yaml: "workers: { max: 1 }\n")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    let data = fleet.dataDir("web").root
    let cleaning =
      "until [ -e '\(data)/go' ]; do sleep 0.1; done; rm -rf '\(data)/sessions/tidy' '\(data)/workers/tidy.json'; "
      + "touch '\(data)/tidied'; exec sleep 300"
    #expect(try fleet.looop("web", "_", "worker", "start", "tidy", cleaning).exitCode == 0)
    #expect(try eventually(within: 20) { try fleet.worker("web", "tidy")?["phase"]?.string == "running" })
    try fleet.scratch.write("", to: "tenants/web/go")
    #expect(eventually(within: 20) { FileReading.of(data.appending("tidied")) != .absent }, "\(fleet.log)")
    #expect(
      try eventually(within: 20) {
        try fleet.worker("web", "tidy")?["reason"]?.string?.contains("its record is gone") == true
      }, "\(fleet.log)")
    #expect(try fleet.looop("web", "_", "worker", "start", "next", "exec sleep 300").exitCode == 0)
    #expect(try eventually(within: 20) { try fleet.worker("web", "next") != nil })
    let row = try #require(try fleet.tenant("web"))
    #expect(row["workers"]?["live"]?.int == 1 && row["workers"]?["pending"]?.int == 1, "\(row)")
    #expect(row["reason"]?.string?.contains("lives without a record") == true, "\(row)")
    // Its hold stands while it goes on.
    let settled = "worker tidy left no record of what it used"
    #expect(!fleet.log.contains(settled), "\(fleet.log)")
    let killed = try fleet.run("worker", "kill", "web/tidy")
    #expect(killed.exitCode == 0, "\(killed.errors)")
    #expect(
      try eventually(within: 20) { try fleet.worker("web", "next")?["phase"]?.string == "running" }, "\(fleet.log)")
    #expect(try fleet.worker("web", "tidy") == nil)
    #expect(eventually(within: 20) { fleet.log.contains(settled) }, "\(fleet.log)")
  }

  @Test func `a worker whose record stays gone is ended with all that it hides, and its tenant's others go on`() throws
  {
    let fleet = try FleetUnderTest()
    let users = try UnixUsers(["looopgone"])
    try fleet.makeTenant("web", yaml: "user: looopgone\n")
    try UnixUsers.give(fleet.dataDir("web").root, to: "looopgone")
    try fleet.start()
    let data = fleet.dataDir("web").root
    try fleet.wish("stays", of: "web", as: "looopgone", "exec sleep 300")
    try fleet.wish(
      "gone", of: "web", as: "looopgone",
      "setsid bash -c 'trap \"\" TERM; exec -a hidden sleep 301' & until [ -e '\(data)/go' ]; do sleep 0.1; done; "
        + "rm -rf '\(data)/sessions/gone' '\(data)/workers/gone.json'; exec sleep 302")
    func living(_ word: String) throws -> Bool {
      try UnixUsers.processes(of: "looopgone").contains { $0.contains(word) }
    }
    #expect(try eventually(within: 20) { try living("hidden") && living("sleep 300") }, "\(fleet.log)")
    try fleet.scratch.write("", to: "tenants/web/go")
    #expect(
      try eventually(within: 20) {
        try fleet.tenant("web")?["reason"]?.string?.contains("lives without a record") == true
      }, "\(fleet.log)")
    #expect(try eventually(within: 60) { try !living("hidden") && !living("sleep 302") }, "\(fleet.log)")
    #expect(eventually(within: 20) { fleet.log.contains("worker gone lived without a record; it was ended") })
    #expect(try living("sleep 300") && fleet.phase("web") == "running")
    #expect(try eventually(within: 20) { try fleet.tenant("web")?["workers"]?["live"]?.int == 1 }, "\(fleet.log)")
    _ = users
  }

  @Test func `a tenant is added though another one's file is refused, and not where fleet.yaml is`() throws {
    let fleet = try FleetUnderTest()
    try fleet.start()
    try fleet.scratch.write("data_dir: /nowhere\nintervall: 5s\n", to: "etc/tenants.d/typo.yaml")
    func add(_ name: String, _ more: String...) throws -> FinishedProcess {
      try RunningProcess.run(
        BuiltProducts.looopFleet,
        ["tenant", "add", name, "--data-dir", fleet.dataDir(name).root.string] + more, environment: fleet.environment)
    }
    let added = try add("fine")
    #expect(added.exitCode == 0 && added.errors.contains("unknown key `intervall`"), "\(added.errors)")
    #expect(try fleet.run("tenant", "show", "fine").exitCode == 0)
    #expect(try fleet.run("reload").exitCode == 1, "who asks for all of it hears of all of it")
    try fleet.scratch.write("fleet:\n  max_wokers: 8\n", to: "etc/fleet.yaml")
    #expect(try add("late").exitCode == 1)
    #expect(try fleet.run("tenant", "show", "late").exitCode == 1)
  }

  @Test func `an agent's verbs are in the books, and a flood of them is counted there`() throws {
    let fleet = try FleetUnderTest()
    let users = try UnixUsers(["looopflood"])
    try fleet.makeTenant("web", yaml: "user: looopflood\n")
    try UnixUsers.give(fleet.dataDir("web").root, to: "looopflood")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    let socket = fleet.scratch.appending("state/fleet.sock").string
    let flood = try RunningProcess.run(
      "/usr/sbin/runuser",
      [
        "-u", "looopflood", "--", "/bin/bash", "-c",
        """
        done=0; while [ $done -lt 130 ]; do
          [ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket '\(socket)' -d '{"arguments":["goal","list"]}' http://fleet/v1/tenants/web/verb)" = 200 ] \
            && done=$((done+1)) || sleep 0.1
        done
        """,
      ], within: 100)
    #expect(flood.exitCode == 0, "\(flood.errors)")
    let rows = try fleet.run("audit", "--json", "--lines", "500").json?.array ?? []
    let verbs = rows.filter { $0["action"]?.string == "verb" }.count
    #expect((100...110).contains(verbs), "\(verbs)")
    _ = users
  }

  @Test func `a tenant that lacks a required guard is refused before anything of it runs`() throws {
    let fleet = try FleetUnderTest(fleet: "  require: [user]\n")
    let users = try UnixUsers(["looopreq1"])
    try fleet.start()
    let data = fleet.scratch.appending("tenants/rooty")
    func add(_ name: String, _ more: String...) throws -> FinishedProcess {
      try RunningProcess.run(
        BuiltProducts.looopFleet, ["tenant", "add", name, "--data-dir", "\(data)-\(name)"] + more,
        environment: fleet.environment, within: 30)
    }
    let rooty = try add("rooty")
    #expect(rooty.exitCode == 1)
    #expect(rooty.errors.contains("required and not enforced: user"), "\(rooty.errors)")
    #expect(rooty.errors.contains("hint: set `user:` in tenants.d/rooty.yaml"), "\(rooty.errors)")
    #expect(try fleet.tenant("rooty")?["reason"]?.string?.contains("its configuration is refused") == true)
    #expect(try fleet.run("tenant", "remove", "rooty").exitCode == 0)
    // The same user twice is isolation from nobody: the first one has it.
    let one = try add("one", "--user", "looopreq1")
    #expect(one.exitCode == 0, "\(one.errors)")
    #expect(try add("two", "--user", "looopreq1").errors.contains("required and not enforced: user"))
    #expect(try eventually(within: 20) { try fleet.tenant("one")?["reason"]?.string?.contains("refused") != true })
    #expect(try fleet.tenant("two")?["reason"]?.string?.contains("refused") == true)
    #expect(FileReading.of(FilePath("\(data)-rooty/.fleet.json")) == .absent)
    _ = users
  }

  @Test func `an agent has its tenant's rights on the socket, also where its user has more`() throws {
    let fleet = try FleetUnderTest()
    for name in ["web", "api"] { try fleet.makeTenant(name) }
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" && fleet.phase("api") == "running" })
    let data = fleet.dataDir("web").root
    // Both tenants are root's here, as this test is.
    let script = """
      cd '\(data)'; '\(BuiltProducts.looopFleet)' pause api >paused 2>&1; '\(BuiltProducts.looopFleet)' tenant pause api >>paused 2>&1
      '\(BuiltProducts.looopFleet)' status --json >seen 2>&1; touch done
      """
    #expect(try fleet.looop("web", "_", "worker", "start", "climber", script).exitCode == 0)
    #expect(eventually(within: 20) { FileReading.of(data.appending("done")) != .absent }, "\(fleet.log)")
    #expect(FileReading.of(data.appending("paused")).text?.contains("may not do this") == true)
    #expect(try fleet.phase("api") == "running")
    let seen = try JSON(parsing: FileReading.of(data.appending("seen")).text ?? "")
    #expect(seen["tenants"]?.array?.compactMap { $0["name"]?.string } == ["web"])
    #expect(try fleet.run("tenant", "pause", "api").exitCode == 0)
  }

  @Test func `verbs over the socket are looop's, and few of a tenant wait`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeTenant("web")
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("web") == "running" })
    let socket = fleet.scratch.appending("state/fleet.sock").string
    func post(_ body: String) throws -> String {
      try RunningProcess.run(
        "/usr/bin/curl",
        ["-s", "-w", "%{http_code}", "--unix-socket", socket, "-d", body, "http://fleet/v1/tenants/web/verb"]
      ).output
    }
    let program = try post(#"{"arguments":["/usr/bin/id"]}"#)
    #expect(program.hasSuffix("400") && program.contains("is no verb of looop"), "\(program)")
    let chunked = try RunningProcess.run(
      "/usr/bin/curl",
      [
        "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Transfer-Encoding: chunked", "--unix-socket", socket,
        "-d",
        "{}", "http://fleet/v1/tenants/web/verb",
      ])
    #expect(chunked.output == "413")
    var waiting: [RunningProcess] = []
    for _ in 0..<12 {
      waiting.append(
        try RunningProcess(
          "/usr/bin/curl",
          [
            "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", socket, "-d",
            #"{"arguments":["wait"]}"#, "http://fleet/v1/tenants/web/verb",
          ]))
    }
    #expect(eventually(within: 20) { waiting.count(where: { $0.output.hasSuffix("429") }) == 6 })
    // Who hangs up makes room, and ends what ran for him.
    for client in waiting { kill(client.pid, SIGKILL) }
    #expect(
      try eventually(within: 20) { try post(#"{"arguments":["goal","list"]}"#).hasSuffix("200") }, "\(fleet.log)")
  }
}
