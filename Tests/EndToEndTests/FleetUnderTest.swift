import Glibc
import SystemPackage
import Tenant
import TestSupport

/// A real fleet of the built binaries in a scratch place: its configuration, its tenants with real repositories, its supervisor.
/// Whatever of it lives is ended with the last reference.
final class FleetUnderTest: Sendable {
  let scratch: ScratchDirectory
  private let supervisor = Locked<RunningProcess?>(nil)
  private let wasKilled = Locked(false)

  init(interval: String = "1s", fleet: String = "") throws {
    scratch = try ScratchDirectory("f")
    // Others must be able to pass: tenants of other users have their data dirs below it.
    chmod(scratch.path.string, 0o755)
    try scratch.write("fleet:\n  max_workers: 8\n\(fleet)defaults:\n  interval: \(interval)\n", to: "etc/fleet.yaml")
    try Directory.create(scratch.appending("etc/tenants.d"))
    try Directory.create(scratch.appending("tenants"))
  }

  deinit {
    // One that was killed leaves groups and processes to the next one: let it come.
    if supervisor.withLock({ $0 == nil }), wasKilled.withLock({ $0 }) { try? start() }
    _ = try? run("down", "--workers")
    supervisor.withLock { $0 = nil }
  }

  var environment: [String: String] {
    ["LOOOP_FLEET_CONFIG": scratch.appending("etc").string, "LOOOP_FLEET_STATE": scratch.appending("state").string]
  }

  func dataDir(_ tenant: String) -> DataDir { DataDir(scratch.appending("tenants/\(tenant)")) }
  func repository(_ name: String) -> FilePath { scratch.appending("repos/\(name)") }

  // MARK: Making tenants

  func configure(_ tenant: String, _ yaml: String = "") throws {
    try scratch.write("data_dir: \(dataDir(tenant).root)\n\(yaml)", to: "etc/tenants.d/\(tenant).yaml")
  }

  /// A tenant with the embedded decider and these rules.
  func makeTenant(_ name: String, rules: JSON = [], sensors: [String: String] = [:], yaml: String = "") throws {
    let place = "tenants/\(name)"
    try scratch.write("Keep it simple.\n", to: "\(place)/PLAYBOOK.md")
    try scratch.write("A goal.\n", to: "\(place)/goals/goal.md")
    try scratch.write(rules.pretty + "\n", to: "\(place)/rules.json")
    for (sensor, script) in sensors { try scratch.write(script, to: "\(place)/sensors/\(sensor).sh", mode: 0o755) }
    let made = try RunningProcess.run(
      BuiltProducts.looop, ["init", "--runner", "rules"], environment: ["LOOOP_DATA_DIR": dataDir(name).root.string])
    guard made.exitCode == 0 else { throw TestFailure("looop init: \(made.errors)") }
    try configure(name, yaml)
  }

  /// A repository of one commit.
  func makeRepository(_ name: String) throws {
    let path = repository(name)
    let made = try RunningProcess.shell(
      """
      set -e; mkdir -p '\(path)'; cd '\(path)'; git init -q -b main; git config user.name T; git config user.email t@example.invalid
      echo one >file.txt; git add .; git commit -qm one
      """)
    guard made.exitCode == 0 else { throw TestFailure("git: \(made.errors)") }
  }

  /// A tenant whose worker changes a file of its repository, asks, and commits on a yes.
  func makeWorkingTenant(_ name: String, worker: String = "mend", yaml: String = "") throws {
    try makeRepository(name)
    let brief = """
      set -eu
      echo two >>file.txt
      answer=$("$LOOOP_BIN" _ ask --prompt 'Commit it?' --options yes,no)
      echo "$answer" >"$LOOOP_DATA_DIR/reports/\(worker)"
      if [ "$answer" = yes ]; then git commit -qam 'the second line'; fi
      "$LOOOP_BIN" _ kill "$LOOOP_SESSION_ID"
      """
    let rule: JSON = [
      "name": "file.txt is short", "when": ["snapshot": "sensor-lines", "path": "signal.lines", "equals": 1],
      "unless": ["snapshot": "sys-sessions", "path": "signal.*.id", "equals": .string(worker)],
      "move": [
        "action": "start_worker", "id": .string(worker), "goal": "goal", "repo": .string(name),
        "prompt": .string(brief),
      ],
    ]
    let sensor = """
      #!/bin/sh
      printf '{"signal":{"lines":%d}}' "$(git -C '\(repository(name))' show main:file.txt | wc -l)"
      """
    try makeTenant(
      name, rules: [rule], sensors: ["lines": sensor], yaml: "repos: { \(name): \(repository(name)) }\n\(yaml)")
  }

  // MARK: Running it

  /// Starts the supervisor and waits until it answers.
  /// - `extra`: what its environment has besides. `wrapper`: a program, by its path, and its words that start it.
  func start(with extra: [String: String] = [:], under wrapper: [String] = []) throws {
    let command = wrapper + [BuiltProducts.looopFleet.string, "serve"]
    let process = try RunningProcess(
      FilePath(command[0]), Array(command.dropFirst()), environment: environment.merging(extra) { _, new in new })
    supervisor.withLock { $0 = process }
    guard try eventually(within: 20, { try !process.isRunning || run("status").exitCode != 3 }), process.isRunning
    else {
      throw TestFailure("the supervisor does not answer: \(process.errors)")
    }
  }

  var pid: Int32? { supervisor.withLock { $0?.pid } }
  var log: String { supervisor.withLock { $0?.errors } ?? "" }

  /// As an out-of-memory kill would.
  func killSupervisor() {
    supervisor.withLock { process in
      process?.signal(SIGKILL)
      _ = process?.wait()
      process = nil
    }
    wasKilled.withLock { $0 = true }
  }

  /// Whether it was ended by a SIGKILL from elsewhere.
  func waitUntilKilled(within seconds: Double = 30) -> Bool {
    supervisor.withLock { process in
      guard process?.wait(within: seconds) == .signal(SIGKILL) else { return false }
      process = nil
      wasKilled.withLock { $0 = true }
      return true
    }
  }

  func run(_ arguments: String...) throws -> FinishedProcess {
    try RunningProcess.run(BuiltProducts.looopFleet, arguments, environment: environment)
  }

  func looop(_ tenant: String, _ arguments: String...) throws -> FinishedProcess {
    try RunningProcess.run(
      BuiltProducts.looop, arguments, environment: ["LOOOP_DATA_DIR": dataDir(tenant).root.string])
  }

  func git(_ repository: String, _ arguments: String...) throws -> FinishedProcess {
    try RunningProcess.run("/usr/bin/git", ["-C", self.repository(repository).string] + arguments)
  }

  // MARK: Looking

  func asks() throws -> [JSON] { try run("asks", "--json").json?.array ?? [] }
  func ask(_ id: String) throws -> JSON? { try asks().first { $0["id"]?.string == id } }
  func workers() throws -> [JSON] { try run("workers", "--json").json?.array ?? [] }
  func worker(_ tenant: String, _ id: String) throws -> JSON? {
    try workers().first { $0["tenant"]?.string == tenant && $0["id"]?.string == id }
  }
  func status() throws -> JSON { try run("status", "--json").json ?? .null }
  func tenant(_ name: String) throws -> JSON? {
    try status()["tenants"]?.array?.first { $0["name"]?.string == name }
  }
  func phase(_ name: String) throws -> String? { try tenant(name)?["phase"]?.string }
}

struct TestFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
