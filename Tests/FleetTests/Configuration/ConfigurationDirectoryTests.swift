import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct ConfigurationDirectoryTests {
  private let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory("config") }

  private func load() -> ConfigurationLoad { ConfigurationDirectory.load(at: scratch.path) }

  private func problems(_ load: ConfigurationLoad) -> [String] { load.refused.map(\.description) }

  @Test func `nothing at all is a fleet of no tenants`() {
    let load = load()
    #expect(load.fleet != nil)
    #expect(load.tenants == [])
    #expect(load.refused == [])
  }

  @Test func `one bad file refuses one tenant`() throws {
    try scratch.write("defaults: { weight: 2 }", to: "fleet.yaml")
    try scratch.write("data_dir: /srv/web", to: "tenants.d/web.yaml")
    try scratch.write("data_dir: /srv/api\nbudgte: {}", to: "tenants.d/api.yaml")
    try scratch.write("data_dir: /srv/doc\nuser: [", to: "tenants.d/doc.yaml")
    try scratch.write("data_dir: /srv/old", to: "tenants.d/old.yml")
    try scratch.write("data_dir: /srv/x", to: "tenants.d/bad name.yaml")
    try scratch.write("kept by an editor", to: "tenants.d/web.yaml~")
    try scratch.write("notes", to: "tenants.d/README.txt")
    try Directory.create(scratch.appending("tenants.d/dir.yaml"))
    try AtomicFile.write([0xFF, 0xFE, 0x00], to: scratch.appending("tenants.d/bin.yaml"))
    let load = load()
    #expect(load.tenants.map(\.id.name) == ["web"])
    #expect(load.tenants.first?.weight == 2)
    #expect(load.refused.compactMap { $0.tenant?.name } == ["api", "bin", "dir", "doc"])
    #expect(problems(load).contains("tenants.d/api.yaml:2: unknown key `budgte` in a tenant's file"))
    #expect(problems(load).contains("tenants.d/old.yml: it is not read"))
    #expect(problems(load).contains("tenants.d/bad name.yaml: `bad name` is no name for a tenant"))
    #expect(problems(load).contains("tenants.d/bin.yaml: it is no text in UTF-8"))
  }

  @Test func `a data dir has one tenant`() throws {
    try scratch.write("data_dir: /srv/a", to: "tenants.d/a.yaml")
    try scratch.write("weight: 2\ndata_dir: /srv/./a/", to: "tenants.d/b.yaml")
    try scratch.write("data_dir: /srv/a/inner", to: "tenants.d/c.yaml")
    try scratch.write("data_dir: /srv/ab", to: "tenants.d/d.yaml")
    try scratch.write("data_dir: /srv/other", to: "tenants.d/D.yaml")
    let load = load()
    #expect(load.tenants.map(\.id.name) == ["D", "a"])
    #expect(
      problems(load) == [
        "tenants.d/b.yaml:2: `data_dir` /srv/a is already tenant `a`'s",
        "tenants.d/c.yaml:1: `data_dir` /srv/a/inner and tenant `a`'s /srv/a lie one in the other",
        "tenants.d/d.yaml: tenant `D` has the same name but for its case",
      ])
  }

  @Test func `a bad fleet.yaml leaves no tenant, and all is named`() throws {
    try scratch.write("fleet: { max_beats: none }", to: "fleet.yaml")
    try scratch.write("data_dir: relative", to: "tenants.d/web.yaml")
    let load = load()
    #expect(load.fleet == nil)
    #expect(load.tenants == [])
    #expect(load.refused.map(\.file) == ["fleet.yaml", "tenants.d/web.yaml"])
  }

  @Test func `prices of one's own`() throws {
    let path = try scratch.write("models: { gpt-5: { input: 1, output: 1 } }", to: "prices.yaml")
    try scratch.write("fleet: { prices: \(path) }", to: "fleet.yaml")
    let quote = try #require(load().fleet).prices.price(
      ChargedTokens(output: 1_000_000), model: "gpt-5", on: CivilDate("2026-11-01")!)
    #expect(quote.usd.micros == 1_000_000)
    try scratch.write("models: { gpt-5: { input: 1 } }", to: "prices.yaml")
    #expect(load().fleet == nil)
    #expect(load().refused.map(\.line) == [1, 1])
    try scratch.write("fleet: { prices: /nonexistent.yaml }", to: "fleet.yaml")
    #expect(problems(load()).first == "/nonexistent.yaml: there is no such file")
  }

  @Test(.enabled(if: geteuid() == 0, "as root only")) func `root trusts root's files only`() throws {
    try scratch.write("data_dir: /srv/web", to: "tenants.d/web.yaml", mode: 0o666)
    try scratch.write("data_dir: /srv/api", to: "tenants.d/api.yaml")
    #expect(chown(scratch.appending("tenants.d/api.yaml").string, 12345, 12345) == 0)
    let load = load()
    #expect(load.tenants == [])
    #expect(
      problems(load) == [
        "tenants.d/api.yaml: it belongs to user 12345, and this fleet runs as root",
        "tenants.d/web.yaml: others than root may write it, and this fleet runs as root",
      ])
  }

  // MARK: - Reload

  private func reload(_ last: AppliedConfiguration?) -> ConfigurationReload? {
    ConfigurationReload(last: last, load: load())
  }

  @Test func `a reload takes what is good and keeps what was`() throws {
    try scratch.write("data_dir: /srv/a", to: "tenants.d/a.yaml")
    try scratch.write("data_dir: /srv/b", to: "tenants.d/b.yaml")
    try scratch.write("data_dir: /srv/c", to: "tenants.d/c.yaml")
    let first = try #require(reload(nil))
    #expect(first.diff.added.map(\.name) == ["a", "b", "c"])
    #expect(try #require(reload(first.configuration)).diff.isEmpty)
    try scratch.write("data_dir: /srv/a\nweight: 0", to: "tenants.d/a.yaml")
    try scratch.write("data_dir: /srv/b\nweight: 7", to: "tenants.d/b.yaml")
    AtomicFile.remove(scratch.appending("tenants.d/c.yaml"))
    try scratch.write("data_dir: /srv/d", to: "tenants.d/d.yaml")
    let second = try #require(reload(first.configuration))
    #expect(second.kept.map(\.name) == ["a"])
    #expect(second.diff.added.map(\.name) == ["d"])
    #expect(second.diff.changed.map(\.name) == ["b"])
    #expect(second.diff.removed.map(\.name) == ["c"])
    #expect(!second.diff.fleetChanged)
    #expect(second.configuration.tenants[TenantID("a")!] == first.configuration.tenants[TenantID("a")!])
    #expect(second.refused.count == 1)
    try scratch.write("fleet: { max_beats: 1 }", to: "fleet.yaml")
    #expect(try #require(reload(second.configuration)).diff.fleetChanged)
    try scratch.write("flet:", to: "fleet.yaml")
    AtomicFile.remove(scratch.appending("tenants.d/d.yaml"))
    let third = try #require(reload(second.configuration))
    #expect(third.diff.isEmpty, "nothing changes while the fleet's own file is refused")
    #expect(third.configuration == second.configuration)
    #expect(reload(nil) == nil, "and nothing starts on it")
  }

  // MARK: - Writing

  @Test func `init lays down files that load, and never over others`() throws {
    let writer = ConfigurationWriter(directory: scratch.path)
    #expect(try writer.initialize().map { $0.lastComponent?.string } == ["fleet.yaml", "example.yaml.txt"])
    #expect(try writer.initialize() == [])
    let load = load()
    #expect(load.refused == [])
    #expect(load.fleet?.defaults.usdPerDay == .value(MicroUSD(micros: 10_000_000)))
    let built = ConfigurationParser().fleet("").configuration
    var fleet = load.fleet
    fleet?.defaults = TenantSettings()
    #expect(fleet == built, "the starter's values are the built-in ones")
    let parser = ConfigurationParser()
    #expect(parser.tenant(TenantID("x")!, ConfigurationStarter.tenant, file: "x", fleet: built!).problems == [])
    // Every example of the starter is a configuration: without its comment marks it loads too.
    let examples = ConfigurationStarter.fleet.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.firstMatch(of: /^( *)# (( )*[a-z_]+:.*)$/).map { "\($0.1)\($0.2)" } ?? String(line)
    }.joined(separator: "\n").replacing("looop-fleet: what holds", with: "# ").replacing("prices: /etc", with: "# ")
    #expect(parser.fleet(examples).problems.map(\.description) == [])
  }

  @Test func `what is written is nobody's to read but its owner's and the group's`() throws {
    let old = umask(0o022)
    defer { umask(old) }
    let isRoot = geteuid() == 0
    let directory = scratch.appending("etc/looop-fleet")
    let writer = ConfigurationWriter(directory: directory, group: isRoot ? 65534 : nil)
    let written =
      try writer.initialize() + [try writer.add(TenantDraft(id: TenantID("web")!, dataDirectory: "/srv/web"))]
    func mode(_ path: FilePath) throws -> String {
      try RunningProcess.run("/usr/bin/stat", ["-c", "%a %g", path.string]).output.filter { !$0.isNewline }
    }
    for path in written { #expect(try mode(path) == (isRoot ? "640 65534" : "600 \(getegid())"), "\(path)") }
    for path in [directory, directory.appending("tenants.d")] {
      #expect(try mode(path) == (isRoot ? "750 65534" : "700 \(getegid())"), "\(path)")
    }
    // What is above it is the system's.
    #expect(try mode(scratch.appending("etc")) == "755 \(getegid())")
  }

  @Test func `the example that is shipped is a configuration`() throws {
    let example = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
      .removingLastComponent().pushing("deploy/example")
    let parser = ConfigurationParser()
    let fleet = parser.fleet(try #require(FileReading.of(example.appending("fleet.yaml")).text))
    #expect(fleet.problems.map(\.description) == [])
    let files = try Directory.names(example.appending("tenants.d"))
    #expect(!files.isEmpty)
    for file in files {
      let text = try #require(FileReading.of(example.appending("tenants.d").appending(file)).text)
      let result = parser.tenant(TenantID("example")!, text, file: file, fleet: try #require(fleet.configuration))
      #expect(result.problems.map(\.description) == [])
    }
  }

  @Test func `a tenant is added as the fleet will read it`() throws {
    let writer = ConfigurationWriter(directory: scratch.path)
    var draft = TenantDraft(id: TenantID("web")!, dataDirectory: "/srv/it's here/web: #1")
    draft.user = "alice"
    draft.interval = .seconds(90)
    draft.repositories = ["site": "/srv/git/site.git", "7": "/srv/git/7"]
    draft.usdPerDay = MicroUSD(micros: 2_500_000)
    draft.maximumWorkers = 1
    draft.memory = ByteSize(bytes: 1 << 30)
    draft.cpu = CPUShare(thousandths: 500)
    draft.timeZone = "UTC"
    let path = try writer.add(draft)
    #expect(path.lastComponent == "web.yaml")
    let web = try #require(load().tenants.first)
    #expect(web.dataDirectory == "/srv/it's here/web: #1")
    #expect((web.user, web.interval) == ("alice", .seconds(90)))
    #expect(web.repositories == ["site": "/srv/git/site.git", "7": "/srv/git/7"])
    #expect(web.budget == BudgetCaps(usd: MicroUSD(micros: 2_500_000)))
    #expect(web.workers.cpu == CPUShare(thousandths: 500))
    #expect(throws: ConfigurationProblem.self) { try writer.add(draft) }
    draft.id = TenantID("other")!
    let clash = #expect(throws: ConfigurationProblem.self) { try writer.add(draft) }
    #expect(clash?.message == "`data_dir` /srv/it's here/web: #1 is already tenant `web`'s")
    draft.dataDirectory = "relative"
    #expect(throws: ConfigurationProblem.self) { try writer.add(draft) }
    #expect(load().tenants.count == 1)
    #expect(try writer.remove(TenantID("web")!))
    #expect(try !writer.remove(TenantID("web")!))
    #expect(load().tenants == [])
  }

  // MARK: - Paths

  @Test func `root's places`() throws {
    let paths = try FleetPaths(environment: HostEnvironment([:]), userID: 0)
    #expect(
      paths
        == FleetPaths(
          configuration: "/etc/looop-fleet", state: "/var/lib/looop-fleet", socket: "/run/looop-fleet/fleet.sock"))
    #expect(paths.ledger == "/var/lib/looop-fleet/ledger.sqlite")
    #expect(paths.sandboxes(of: TenantID("web")!) == "/var/lib/looop-fleet/sandboxes/web")
  }

  @Test(arguments: [
    (
      ["HOME": "/home/a"], "/home/a/.config/looop-fleet", "/home/a/.local/state/looop-fleet",
      "/home/a/.local/state/looop-fleet/fleet.sock"
    ),
    (
      ["HOME": "/home/a", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/run/user/7"],
      "/c/looop-fleet", "/s/looop-fleet", "/run/user/7/looop-fleet/fleet.sock"
    ),
    (
      ["HOME": "/home/a", "XDG_CONFIG_HOME": "relative"], "/home/a/.config/looop-fleet",
      "/home/a/.local/state/looop-fleet", "/home/a/.local/state/looop-fleet/fleet.sock"
    ),
    (
      ["LOOOP_FLEET_CONFIG": "/x/c", "LOOOP_FLEET_STATE": "/x/s", "XDG_RUNTIME_DIR": "/run/user/7"], "/x/c", "/x/s",
      "/x/s/fleet.sock"
    ),
    (
      ["LOOOP_FLEET_CONFIG": "/x/c", "LOOOP_FLEET_STATE": "/x/s", "LOOOP_FLEET_SOCKET": "/x/y.sock"], "/x/c", "/x/s",
      "/x/y.sock"
    ),
  ])
  func `a user's places`(environment: [String: String], configuration: String, state: String, socket: String) throws {
    let paths = try FleetPaths(environment: HostEnvironment(environment), userID: 1000)
    #expect(
      paths == FleetPaths(configuration: FilePath(configuration), state: FilePath(state), socket: FilePath(socket)))
  }

  @Test func `what no place can be told from`() throws {
    func message(_ environment: [String: String], option: String? = nil) -> String? {
      do throws(FleetPathError) {
        _ = try FleetPaths(environment: HostEnvironment(environment), userID: 1000, option: option)
        return nil
      } catch { return error.message }
    }
    #expect(message([:]) == "neither XDG_CONFIG_HOME nor HOME says where the fleet's files are")
    #expect(
      message(["HOME": "/h", "LOOOP_FLEET_SOCKET": "x"]) == "LOOOP_FLEET_SOCKET must be an absolute path, not `x`")
    #expect(message(["HOME": "/h"], option: "conf") == "--config must be an absolute path, not `conf`")
    #expect(
      message(["HOME": "/" + String(repeating: "h", count: 90)])?.hasPrefix(
        "the socket's path is longer than 107 bytes") == true)
    #expect(
      try FleetPaths(
        environment: HostEnvironment(["HOME": "/h", "LOOOP_FLEET_CONFIG": "/a"]), userID: 1000, option: "/b"
      )
      .configuration == "/b")
  }
}
