import ArgumentParser
import Fleet
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import looop_fleet

/// What the command line takes, and what its tables say; over a socket it is tested with the control server.
@Suite struct CommandTests {
  static let accepted: [[String]] = [
    ["init"], ["status"], ["status", "web", "--json"], ["status", "--watch"], ["asks", "--tenant", "web", "--json"],
    ["answer", "web/a", "yes"], ["answer", "web/a", "-"], ["answer", "web/a", "two", "words"],
    ["wait", "--only-asks", "--after", "12", "--json"], ["wait", "--actionable"], ["workers", "--json"],
    ["worker", "kill", "web/fix"], ["sandboxes", "--json"], ["sandbox", "prune", "--dry-run"], ["budget"],
    ["sandbox", "list"], ["sandbox", "diff", "web/fix", "--stat"], ["sandbox", "prune", "--tenant", "web"],
    ["sandbox", "land", "web/fix", "--into", "main", "--dry-run"], ["sandbox", "restore", "web/fix", "--as", "again"],
    ["sandbox", "preflight", "web/site", "--base", "next"],
    ["budget", "web", "--days", "7", "--json"], ["budget", "--csv"], ["budget", "raise", "web", "5"],
    ["audit", "web", "--lines", "5", "--json"], ["audit"], ["budget", "raise", "--fleet", "$5"],
    ["budget", "raise", "web", "--tokens", "1000", "--decides", "5"],
    ["answer", "@fleet/budget-2026-06-30", "raise", "5"],
    ["tenant", "add", "web", "--data-dir", "/srv/web", "--user", "alice", "--repo", "web=/srv/git/web.git"],
    ["tenant", "list"], ["tenant", "show", "web"], ["tenant", "pause", "web"], ["tenant", "resume", "web"],
    ["tenant", "remove", "web"], ["reload"], ["freeze"], ["freeze", "web"], ["thaw"], ["thaw", "web"], ["logs"],
    ["logs", "web", "--follow"], ["doctor", "--json"], ["version"], ["serve"], ["status", "--config", "/etc/x"],
  ]

  @Test(arguments: accepted)
  func `every verb of the manual is there`(words: [String]) throws {
    #expect(throws: Never.self) { try LooopFleet.parseAsRoot(words) }
  }

  static let refused: [[String]] = [
    ["answer", "web"], ["answer", "noslash", "x"], ["answer", "/x", "y"], ["answer", "web/", "y"],
    ["wait", "--after", "abc"], ["status", "--json", "--watch"], ["budget", "--days", "0"], ["worker", "kill", "web"],
    ["sandbox", "land", "web"], ["sandbox", "diff"], ["sandbox", "restore", "web/"],
    ["budget", "raise", "web"], ["budget", "raise", "5", "--fleet", "web"],
    ["budget", "raise", "--fleet"], ["budget", "raise", "web", "--decides", "0"], ["budget", "raise"],
    ["tenant", "add", "web"], ["logs", "--lines", "0"], ["nonsense"],
    ["budget", "--json", "--csv"],
  ]

  @Test(arguments: refused)
  func `what cannot be is a usage error`(words: [String]) {
    let error = #expect(throws: (any Error).self) { try LooopFleet.parseAsRoot(words) }
    #expect(error.map { LooopFleet.exitCode(for: $0).rawValue } == 64)
  }

  @Test func `a tenant's draft is what was typed`() throws {
    let words = [
      "tenant", "add", "web", "--data-dir", "/srv/web", "--user", "alice", "--repo", "a=/r/a.git", "--repo", "b=/r/b",
      "--interval", "5m", "--usd-per-day", "2.50", "--max-workers", "3", "--memory-max", "4G", "--time-zone", "UTC",
    ]
    let draft = try #require(try LooopFleet.parseAsRoot(words) as? TenantAdd).draft()
    #expect(draft.id.name == "web")
    #expect(draft.dataDirectory == "/srv/web")
    #expect(draft.repositories == ["a": "/r/a.git", "b": "/r/b"])
    #expect(draft.interval == .seconds(300))
    #expect(draft.usdPerDay?.micros == 2_500_000)
    #expect(draft.maximumWorkers == 3)
  }

  @Test(arguments: [
    ["--repo", "nopath"], ["--repo", "=x"], ["--interval", "soon"], ["--usd-per-day", "-1"], ["--memory-max", "much"],
  ])
  func `a mistyped option is named`(option: [String]) throws {
    let command = try #require(
      try LooopFleet.parseAsRoot(["tenant", "add", "web", "--data-dir", "/d"] + option.map { $0 == "-1" ? "x" : $0 })
        as? TenantAdd)
    #expect(throws: ValidationError.self) { try command.draft() }
  }

  @Test func `init and tenant add write what the fleet reads`() throws {
    let scratch = try ScratchDirectory()
    let environment = [
      "LOOOP_FLEET_CONFIG": scratch.appending("etc").string, "LOOOP_FLEET_STATE": scratch.appending("s").string,
    ]
    func run(_ arguments: String...) throws -> FinishedProcess {
      try RunningProcess.run(BuiltProducts.looopFleet, arguments, environment: environment)
    }
    try #require(BuiltProducts.has("looop-fleet"))
    #expect(try run("init").exitCode == 0)
    #expect(try run("init").output.contains("there already"))
    let data = scratch.appending("web").string
    let added = try run("tenant", "add", "web", "--data-dir", data, "--usd-per-day", "20")
    #expect(added.exitCode == 0)
    #expect(scratch.exists("web"))
    #expect(try run("tenant", "add", "web", "--data-dir", data).exitCode == 1)
    #expect(try run("tenant", "add", "two", "--data-dir", data).errors.contains("already tenant"))
    #expect(try run("tenant", "list", "--json").json?.array?.map { $0["name"]?.string } == ["web"])
    #expect(try run("tenant", "remove", "web").exitCode == 0)
    #expect(scratch.exists("web"), "its data dir stays")
    #expect(try run("tenant", "remove", "web").exitCode == 1)
    #expect(try run("version").output == "looop-fleet \(Version.current)\n")
    #expect(try run("_sandbox", "nope").exitCode == 1)
  }

  @Test func `a worker's table shows its place or its end`() {
    let table = WorkerTable(
      workers: [
        WorkerRow(tenant: "web", id: "a", phase: .pending, reason: "quota", position: 2),
        WorkerRow(tenant: "web", id: "b", phase: .running, pid: 7, branch: "looop/b", startedAt: 940, spent: 1_500_000),
        WorkerRow(tenant: "web", id: "c", phase: .exited, exitCode: 1),
      ], now: 1000)
    let text = table.lines(width: 120, paint: Paint(isOn: false)).joined(separator: "\n")
    #expect(text.contains("pending (place 2)") && text.contains("  quota"))
    #expect(text.contains("$1.50") && text.contains("1m") && text.contains("looop/b"))
    #expect(text.contains("exited (1)"))
  }
}
