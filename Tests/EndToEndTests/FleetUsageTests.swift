import SystemPackage
import Tenant
import TestSupport
import Testing

/// The built `looop-fleet` without a fleet: what a command line that is wrong is told, and what a newcomer is told to do next.
@Suite(.enabled(if: BuiltProducts.has("looop-fleet"), "needs the built looop-fleet"))
struct FleetUsageTests {
  private let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  private func run(_ line: String) throws -> FinishedProcess {
    try RunningProcess.shell(
      "'\(BuiltProducts.looopFleet)' \(line)",
      environment: [
        "LOOOP_FLEET_CONFIG": scratch.appending("etc").string, "LOOOP_FLEET_STATE": scratch.appending("state").string,
        "PATH": "/usr/bin:/bin", "HOME": scratch.path.string,
      ], directory: scratch.path)
  }

  static let wrong: [(line: String, message: String, hint: String)] = [
    ("stats", "there is no `looop-fleet stats`", "looop-fleet init | "),
    ("tenant rename a b", "there is no `looop-fleet tenant rename`", "looop-fleet tenant add | "),
    ("sandbox drop", "there is no `looop-fleet sandbox drop`", "looop-fleet sandbox list | "),
    ("tenant add", "missing expected argument '<name>'", "`looop-fleet tenant add --help`"),
    ("tenant add 'a b' --data-dir d", "a b is no name for a tenant", "`looop-fleet tenant add --help`"),
    (
      "tenant add web --data-dir d --usd-per-day x", "--usd-per-day x: write it like", "`looop-fleet tenant add --help`"
    ),
    ("tenant add web --data-dir d --repo x", "--repo x: write it NAME=PATH", "`looop-fleet tenant add --help`"),
    ("answer web/x", "missing expected argument '<text> ...'", "`looop-fleet answer --help`"),
    ("answer x yes", "the value 'x' is invalid for '<ask>'", "`looop-fleet answer --help`"),
    ("budget raise web x", "x is not an amount in dollars", "`looop-fleet budget raise --help`"),
    ("budget --days 0", "--days takes 1 to 366", "`looop-fleet budget --help`"),
    ("wait --after x", "--after takes the `token`", "`looop-fleet wait --help`"),
    ("status --json --watch", "--json and --watch exclude each other", "`looop-fleet status --help`"),
    ("status --jsn", "unknown option '--jsn'", "`looop-fleet status --help`"),
  ]

  @Test(arguments: wrong)
  func `a wrong command line says which word is wrong and where to read on`(
    line: String, message: String, hint: String
  ) throws {
    let result = try run(line)
    #expect(result.exitCode == 64, "\(result.output)\(result.errors)")
    #expect(result.output.isEmpty)
    #expect(result.errors.hasPrefix("looop-fleet: \(message)"), "\(result.errors)")
    #expect(result.errors.contains("\nhint: \(hint)"), "\(result.errors)")
  }

  @Test func `help is an answer, and a new tenant's runner is the next thing to choose`() throws {
    for line in ["", "--help", "help tenant add", "tenant add --help", "--version"] {
      let result = try run(line)
      #expect(result.exitCode == 0 && !result.output.isEmpty && result.errors.isEmpty, "\(line)")
    }
    #expect(try run("init").exitCode == 0)
    let added = try run("tenant add web --data-dir web")
    #expect(added.output.contains("looop --tenant web init --runner"), "\(added.output)\(added.errors)")
    #expect(try !run("tenant add api --data-dir '\(scratch.path)'").output.contains("init --runner"))
  }
}
