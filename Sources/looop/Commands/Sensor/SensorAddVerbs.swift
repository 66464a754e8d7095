import ArgumentParser
import SystemPackage
import Tenant

struct AddGitHub: Verb {
  static let configuration = CommandConfiguration(
    commandName: "github", abstract: "Pull requests, issues and a branch's checks. GITHUB_TOKEN.")
  @OptionGroup var common: SensorAddOptions
  @Option(help: "OWNER/NAME.") var repo: String
  @Option(help: "The branch whose checks count.") var branch = "main"

  func validate() throws {
    try SensorCheck.repository(repo, "--repo")
    try SensorCheck.branch(branch)
  }

  mutating func perform(in context: Context) throws -> Int32 {
    try common.write(ForgeSensors.github(repo: repo, branch: branch, interval: common.interval ?? 300), context)
  }
}

struct AddGitLab: Verb {
  static let configuration = CommandConfiguration(
    commandName: "gitlab", abstract: "Open merge requests and issues, and a branch's pipeline. GITLAB_TOKEN.")
  @OptionGroup var common: SensorAddOptions
  @Option(help: "GROUP/NAME.") var project: String
  @Option(help: "The branch whose pipeline counts.") var branch = "main"

  func validate() throws {
    try SensorCheck.repository(project, "--project")
    try SensorCheck.branch(branch)
  }

  mutating func perform(in context: Context) throws -> Int32 {
    try common.write(ForgeSensors.gitlab(project: project, branch: branch, interval: common.interval ?? 300), context)
  }
}

struct AddCI: Verb {
  static let configuration = CommandConfiguration(
    commandName: "ci", abstract: "The newest finished CI run of a branch: GitHub Actions or GitLab pipelines.")

  enum Provider: String, ExpressibleByArgument, CaseIterable { case github, gitlab }

  @OptionGroup var common: SensorAddOptions
  @Option(help: "OWNER/NAME.") var repo: String
  @Option(help: "The branch.") var branch = "main"
  @Option(help: "Where it runs.") var provider = Provider.github

  func validate() throws {
    try SensorCheck.repository(repo, "--repo")
    try SensorCheck.branch(branch)
  }

  mutating func perform(in context: Context) throws -> Int32 {
    let interval = common.interval ?? 180
    let sensor =
      switch provider {
      case .github: ForgeSensors.githubActions(repo: repo, branch: branch, interval: interval)
      case .gitlab: ForgeSensors.gitlabPipelines(project: repo, branch: branch, interval: interval)
      }
    return try common.write(sensor, context)
  }
}

struct AddLinear: Verb {
  static let configuration = CommandConfiguration(
    commandName: "linear", abstract: "A team's open issues and their states. LINEAR_API_KEY.")
  @OptionGroup var common: SensorAddOptions
  @Option(help: "The team's key, as in its issue ids (ENG).") var team: String

  func validate() throws {
    guard !team.isEmpty, team.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
      throw ValidationError("--team wants a team's key such as ENG")
    }
  }

  mutating func perform(in context: Context) throws -> Int32 {
    try common.write(ServiceSensors.linear(team: team, interval: common.interval ?? 300), context)
  }
}

struct AddGrafana: Verb {
  static let configuration = CommandConfiguration(
    commandName: "grafana", abstract: "The alerts that fire. GRAFANA_TOKEN.")
  @OptionGroup var common: SensorAddOptions
  @Option(help: "Grafana's address.") var url: String

  func validate() throws { try SensorCheck.address(url, "--url") }

  mutating func perform(in context: Context) throws -> Int32 {
    try common.write(ServiceSensors.grafana(url: SensorCheck.base(url), interval: common.interval ?? 60), context)
  }
}

struct AddPrometheus: Verb {
  static let configuration = CommandConfiguration(
    commandName: "prometheus",
    abstract: "Firing alerts, or a query's series. PROMETHEUS_TOKEN.")
  @OptionGroup var common: SensorAddOptions
  @Option(help: "Prometheus' address.") var url: String
  @Option(help: "A query that gives the series that are wrong, e.g. 'up == 0'.") var query: String?

  func validate() throws { try SensorCheck.address(url, "--url") }

  mutating func perform(in context: Context) throws -> Int32 {
    try common.write(
      ServiceSensors.prometheus(url: SensorCheck.base(url), query: query, interval: common.interval ?? 60), context)
  }
}

struct AddGit: Verb {
  static let configuration = CommandConfiguration(
    commandName: "git", abstract: "A local repository: branch, head, changes, distance from upstream.")
  @OptionGroup var common: SensorAddOptions
  @Option(help: "The repository.", completion: .directory) var path: String
  @Flag(help: "Fetch first (reaches the network).") var fetch = false

  mutating func perform(in context: Context) throws -> Int32 {
    let absolute = context.directory.pushing(FilePath(path)).lexicallyNormalized()
    return try common.write(
      LocalSensors.git(path: absolute.string, fetch: fetch, interval: common.interval ?? (fetch ? 300 : 30)), context)
  }
}

struct AddDisk: Verb {
  static let configuration = CommandConfiguration(commandName: "disk", abstract: "Whether file systems are filling up.")
  @OptionGroup var common: SensorAddOptions
  @Option(help: "A path on the file system; may be given again.", completion: .directory) var path: [String] = ["/"]
  @Option(help: "Warn from this percentage on.") var warn = 85

  func validate() throws {
    guard (1...97).contains(warn) else { throw ValidationError("--warn wants 1 to 97") }
  }

  mutating func perform(in context: Context) throws -> Int32 {
    let paths = path.map { context.directory.pushing(FilePath($0)).lexicallyNormalized().string }
    return try common.write(LocalSensors.disk(paths: paths, warn: warn, interval: common.interval ?? 300), context)
  }
}

struct AddURL: Verb {
  static let configuration = CommandConfiguration(
    commandName: "url", abstract: "Whether an address answers as it should.")
  @OptionGroup var common: SensorAddOptions
  @Option(help: "The address.") var url: String
  @Option(help: "The status that is right.") var expect = 200
  @Option(help: "A text that must be in the answer.") var contains: String?

  func validate() throws {
    try SensorCheck.address(url, "--url")
    guard (100...599).contains(expect) else { throw ValidationError("--expect wants an HTTP status") }
  }

  mutating func perform(in context: Context) throws -> Int32 {
    try common.write(
      LocalSensors.url(address: url, expect: expect, contains: contains, interval: common.interval ?? 60), context)
  }
}
