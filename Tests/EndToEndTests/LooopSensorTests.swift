import SystemPackage
import Tenant
import TestSupport
import Testing

/// `looop sensor add KIND`: each script is written by the real verb and run against the API's shapes.
@Suite struct LooopSensorTests {
  let server: LooopSensorServer
  let home: LooopHome

  init() throws {
    server = try LooopSensorServer()
    home = try LooopHome()
  }

  /// Adds a sensor and runs its script as a beat would: no input, in the data dir.
  private func read(_ add: [String], _ environment: [String: String] = [:]) throws -> FinishedProcess {
    let added = try home.looop(["sensor", "add"] + add + ["--force"])
    #expect(added.exitCode == 0, "\(added.errors)")
    return try rerun(add[1], environment)
  }

  private func rerun(_ name: String, _ environment: [String: String] = [:]) throws -> FinishedProcess {
    try RunningProcess.run(
      home.scratch.appending("sensors/\(name).sh"), [],
      environment: environment.merging(["LOOOP_DATA_DIR": home.scratch.path.string]) { a, _ in a },
      input: "", directory: home.scratch.path)
  }

  private func signal(_ result: FinishedProcess) throws -> JSON {
    #expect(result.exitCode == 0, "\(result.errors)")
    #expect(result.output.utf8.count < 8192)
    let json = try #require(result.json, "\(result.output)")
    #expect(json["detail"] != nil)
    return try #require(json["signal"])
  }

  @Test func `github lists pull requests over pages, issues without them, and failed checks`() throws {
    let result = try read(
      ["github", "gh", "--repo", "acme/web"], ["GITHUB_API_URL": server.address("ok"), "GITHUB_TOKEN": "s3cret"])
    let signal = try signal(result)
    #expect(signal["pull_requests"]?.array?.compactMap { $0["number"]?.int } == [1, 2, 3, 4, 5])
    #expect(signal["issues"] == [9])
    #expect(signal["checks"] == "failing")
    #expect(signal["failed_checks"] == ["test"])
    #expect(result.json?["detail"]?["titles"]?["#9"] == "A bug")
    #expect(server.requests.allSatisfy { $0.hasSuffix("Bearer s3cret") })
    let script = try #require(home.scratch.read("sensors/gh.sh"))
    #expect(script.contains("# looop:interval=300"))
    #expect(!script.contains("s3cret"))
  }

  /// A sensor that asks a service, and the variable that says where the service is; without one it is the last argument.
  struct Asking: Sendable {
    var add: String
    var variable: String?
    var words: [String] { add.split(separator: " ").map(String.init) }
  }

  private func read(_ asking: Asking, _ mode: String) throws -> FinishedProcess {
    let address = server.address(mode)
    guard let variable = asking.variable else { return try read(asking.words + [address]) }
    return try read(asking.words, [variable: address, "LINEAR_API_KEY": "k"])
  }

  static let asking: [Asking] = [
    Asking(add: "github s --repo acme/web", variable: "GITHUB_API_URL"),
    Asking(add: "ci s --repo acme/web", variable: "GITHUB_API_URL"),
    Asking(add: "gitlab s --project acme/web", variable: "GITLAB_URL"),
    Asking(add: "ci s --repo acme/web --provider gitlab", variable: "GITLAB_URL"),
    Asking(add: "linear s --team ENG", variable: "LINEAR_API_URL"),
    Asking(add: "grafana s --url", variable: nil),
    Asking(add: "prometheus s --url", variable: nil),
    Asking(add: "prometheus s --query up==0 --url", variable: nil),
  ]

  @Test(arguments: asking.filter { $0.variable != nil && !$0.add.contains("provider") })
  func `a list that goes on is cut, and says so`(asking: Asking) throws {
    let result = try read(asking, "endless")
    let signal = try signal(result)
    let cut = try #require(result.json?["detail"]?["cut"]?.array)
    #expect(!cut.isEmpty)
    #expect(server.requests.count <= 16)
    // What was not read is not called good.
    if asking.add.hasPrefix("github") { #expect(signal["checks"] == "unknown") }
    #expect(try read(asking, "ok").json?["detail"]?["cut"] == nil)
  }

  @Test(arguments: asking) func `a rate limit keeps the last reading and is not asked again`(asking: Asking) throws {
    let bare = try read(asking, "limited")
    #expect(bare.exitCode == 1)
    #expect(bare.errors.contains("rate limited until"))

    // As the loop keeps a failure: that one says it too, and the service is left alone.
    let failure: JSON = [
      "signal": ["error": true, "exit_code": 1],
      "detail": ["message": "exited with 1", "stderr": .string(bare.errors)],
    ]
    try home.scratch.write(failure.compact, to: "snapshots/sensor-s.json")
    let askedFirst = server.requests.count
    let again = try read(asking, "limited")
    #expect(again.exitCode == 1)
    #expect(again.errors == bare.errors)
    #expect(server.requests.count == askedFirst)
    AtomicFile.remove(home.scratch.appending("snapshots/sensor-s.json"))

    let good = try read(asking, "ok")
    let before = try signal(good)
    try home.scratch.write(good.output, to: "snapshots/sensor-s.json")
    let kept = try read(asking, "limited")
    #expect(try signal(kept) == before)
    let until = try #require(kept.json?["detail"]?["rate_limited_until"]?.int)
    #expect(abs(until - HostClock.system.now - 600) < 60)

    try home.scratch.write(kept.output, to: "snapshots/sensor-s.json")
    let asked = server.requests.count
    #expect(try signal(try read(asking, "limited")) == before)
    #expect(server.requests.count == asked)
  }

  @Test(arguments: asking) func `an error of the API fails the sensor with its words`(asking: Asking) throws {
    let result = try read(asking, "broken")
    #expect(result.exitCode != 0)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains(asking.words[0] == "linear" ? "Entity not found" : "HTTP 500"))
  }

  /// Every way to fail is an error, never half a reading.
  @Test(arguments: asking) func `what is no answer is no reading`(asking: Asking) throws {
    for (mode, words) in [
      ("denied", "HTTP 401: {\"message\": \"Bad credentials\"}"), ("forbidden", "HTTP 403"), ("down", "HTTP 503"),
      ("garbage", ""), ("cut", ""),
    ] {
      let result = try read(asking, mode)
      #expect(result.exitCode != 0 && result.output.isEmpty, "\(mode): \(result.output)")
      #expect(!result.errors.isEmpty && result.errors.contains(words), "\(mode): \(result.errors)")
    }
  }

  /// The loop edits them, too.
  @Test(
    arguments: asking.map { $0.words + ($0.variable == nil ? ["http://x/"] : []) } + [
      ["url", "s", "--url", "http://x/"], ["git", "s", "--path", "/srv/x"], ["disk", "s"],
    ])
  func `the gate lets the loop write each of them`(add: [String]) throws {
    let printed = try home.looop(["sensor", "add"] + add + ["--print"])
    #expect(printed.exitCode == 0)
    let rules = CommandRules(dataDirectory: home.scratch.path)
    #expect(rules.verdict(on: printed.output, leniency: .sensor) == .reversible)
  }

  @Test func `a service that does not answer ends the sensor in its time`() throws {
    let environment = ["GITHUB_API_URL": server.address("slow")]
    #expect(try home.looop(["sensor", "add", "github", "s", "--repo", "acme/web"]).exitCode == 0)
    let script = try #require(home.scratch.read("sensors/s.sh"))
    // The script is there to be edited; its own limit is longer than a test may take.
    try home.scratch.write(
      script.replacing("--max-time 20", with: "--max-time 1"), to: "sensors/s.sh", mode: 0o755)
    let result = try rerun("s", environment)
    #expect(script.contains("--max-time 20") && result.exitCode != 0 && result.output.isEmpty)
    #expect(result.errors.contains("timed out") && result.seconds < 7, "\(result.errors)")
  }

  @Test func `gitlab lists merge requests over pages and the pipeline`() throws {
    let signal = try signal(
      try read(
        ["gitlab", "gl", "--project", "acme/web"], ["GITLAB_URL": server.address("ok"), "GITLAB_TOKEN": "t0ken"]))
    #expect(signal["merge_requests"]?.array?.compactMap { $0["iid"]?.int } == [1, 2])
    #expect(signal["merge_requests"]?.array?.last?["conflicts"] == true)
    #expect(signal["issues"] == [5])
    #expect(signal["pipeline"] == "failed")
    #expect(server.requests.allSatisfy { $0.hasSuffix("t0ken") })
  }

  @Test func `ci tells the newest finished run of each workflow`() throws {
    let github = try signal(try read(["ci", "c", "--repo", "acme/web"], ["GITHUB_API_URL": server.address("ok")]))
    #expect(github["failing"] == ["build"])
    #expect(github["workflows"] == ["build": "failure", "lint": "success"])
    let gitlab = try signal(
      try read(["ci", "c", "--repo", "acme/web", "--provider", "gitlab"], ["GITLAB_URL": server.address("ok")]))
    #expect(gitlab["pipeline"] == "failed")
    #expect(gitlab["failing"] == ["unit"])
  }

  @Test func `linear reads all pages and wants its key`() throws {
    let environment = ["LINEAR_API_URL": server.address("ok"), "LINEAR_API_KEY": "lin_1"]
    let result = try read(["linear", "li", "--team", "ENG"], environment)
    #expect(try signal(result)["issues"] == ["ENG-1": "Todo", "ENG-2": "In Progress", "ENG-3": "Todo"])
    #expect(result.json?["detail"]?["urgent"] == ["ENG-1"])
    #expect(try rerun("li", ["LINEAR_API_URL": server.address("ok")]).exitCode != 0)
  }

  @Test func `grafana and prometheus tell what fires`() throws {
    let grafana = try signal(try read(["grafana", "g", "--url", server.address("ok")], ["GRAFANA_TOKEN": "g1"]))
    #expect(grafana["firing"] == [["alert": "HighLoad", "id": "0123456789ab"]])
    #expect(server.requests.last?.hasSuffix("Bearer g1") == true)
    let alerts = try signal(try read(["prometheus", "p", "--url", server.address("ok") + "/"]))
    #expect(alerts["firing"] == [["alert": "Down", "on": "b:80"]])
    let series = try signal(try read(["prometheus", "p", "--url", server.address("ok"), "--query", "up == 0"]))
    #expect(series["matching"] == ["__name__=up,job=web"])
    let bad = try read(["prometheus", "p", "--url", server.address("ok"), "--query", "bad("])
    #expect(bad.exitCode != 0)
    #expect(bad.errors.contains("parse error"))
  }

  @Test func `url tells whether an address answers as it should`() throws {
    let page = server.address("ok/page")
    #expect(try signal(try read(["url", "u", "--url", page])) == ["up": true, "status": 200])
    #expect(try signal(try read(["url", "u", "--url", page, "--contains", "all is well"]))["up"] == true)
    #expect(try signal(try read(["url", "u", "--url", page, "--contains", "absent"]))["up"] == false)
    #expect(try signal(try read(["url", "u", "--url", server.address("ok/none")])) == ["up": false, "status": 404])
    #expect(try signal(try read(["url", "u", "--url", server.address("ok/none"), "--expect", "404"]))["up"] == true)
    #expect(try signal(try read(["url", "u", "--url", "http://127.0.0.1:1/"])) == ["up": false, "status": 0])
  }

  @Test func `git tells branch, head, changes and distance`() throws {
    let made = try RunningProcess.shell(
      """
      set -e
      export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
      git init -q --bare -b main up.git && git clone -q up.git "it's here" 2>/dev/null && cd "it's here"
      git checkout -q -b main && echo 1 >f && git add f && git commit -qm 'first: "quoted"' && git push -q -u origin main
      echo 2 >f && git commit -qam second
      """, directory: home.scratch.path)
    #expect(made.exitCode == 0, "\(made.errors)")
    let path = home.scratch.appending("it's here").string
    let clean = try signal(try read(["git", "r", "--path", path]))
    #expect(clean["branch"] == "main")
    #expect(clean["dirty"] == false)
    #expect(clean["ahead"] == 1)
    try home.scratch.write("new", to: "it's here/g")
    let dirty = try rerun("r")
    #expect(try signal(dirty)["dirty"] == true)
    #expect(dirty.json?["detail"]?["files"] == ["?? g"])
    let bare = try signal(try read(["git", "r", "--path", home.scratch.appending("up.git").string]))
    #expect(bare["dirty"] == false)
    #expect(try read(["git", "r", "--path", "/nonexistent"]).exitCode != 0)
  }

  @Test func `disk tells levels, not percentages`() throws {
    let result = try read(["disk", "d", "--path", "/", "--path", "/tmp", "--warn", "97"])
    let signal = try signal(result)
    #expect(signal.object?.keys.sorted() == ["/", "/tmp"])
    #expect(["ok", "warn", "full"].contains(signal["/"]?.string))
    #expect(try signal.self == self.signal(try read(["disk", "d", "--path", "/", "--path", "/tmp", "--warn", "97"])))
  }

  @Test func `what is there is not replaced, and nonsense is refused`() throws {
    #expect(try home.looop(["sensor", "add", "url", "u", "--url", "http://x/"]).exitCode == 0)
    let again = try home.looop(["sensor", "add", "url", "u", "--url", "http://y/"])
    #expect(again.exitCode == 1)
    #expect(again.errors.contains("--force"))
    #expect(home.scratch.read("sensors/u.sh")?.contains("http://x/") == true)
    for bad in [
      ["url", "v", "--url", "ftp://x"], ["github", "v", "--repo", "nope"], ["linear", "v", "--team", "a b"],
      ["disk", "v", "--warn", "200"], ["url", "../v", "--url", "http://x"], ["github", "v", "--repo", "a/b';rm x"],
      ["nothing", "v"], ["url", "v"],
    ] {
      let refused = try home.looop(["sensor", "add"] + bad)
      #expect(refused.exitCode == 1, "\(bad)")
      #expect(!refused.errors.isEmpty)
    }
    #expect(home.scratch.names("sensors").filter { $0.hasPrefix("v") }.isEmpty)
    let printed = try home.looop(["sensor", "add", "url", "w", "--url", "http://x/", "--print"])
    #expect(printed.output.hasPrefix("#!/usr/bin/env bash\n"))
    #expect(!home.scratch.exists("sensors/w.sh"))
  }
}
