import SystemPackage
import TestSupport
import Testing

@testable import Fleet
@testable import Tenant

@Suite struct ConfigurationParserTests {
  private static let hasZones = ZoneDirectory.system.zone("Europe/Berlin") != nil
  private static let web = TenantID("web")!

  private func tenant(_ text: String, fleet: String = "") throws -> (TenantConfiguration?, [ConfigurationProblem]) {
    let parser = ConfigurationParser()
    let defaults = try #require(parser.fleet(fleet).configuration)
    let result = parser.tenant(Self.web, text, file: "tenants.d/web.yaml", fleet: defaults)
    return (result.configuration, result.problems)
  }

  @Test(.enabled(if: hasZones, "needs the host's time zone data")) func `the design's example`() throws {
    let (configuration, problems) = try tenant(
      """
      # tenants.d/web.yaml
      data_dir: /srv/looop/web
      user: alice                 # left out: the supervisor's own user
      interval: 60s
      weight: 1
      time_zone: Europe/Berlin
      repos: { web: /srv/git/web.git }
      budget: { usd_per_day: 20, tokens_per_day: 5000000, decides_per_day: 500 }
      workers: { max: 4, memory_max: 4G, cpu: 2, pids_max: 512 }
      sandboxes: { disk_max: 20G }
      """)
    #expect(problems == [])
    let web = try #require(configuration)
    #expect(web.dataDirectory == "/srv/looop/web")
    #expect(web.user == "alice")
    #expect(web.interval == .seconds(60))
    #expect(web.zone.name == "Europe/Berlin")
    #expect(web.repositories == ["web": "/srv/git/web.git"])
    #expect(web.budget == BudgetCaps(usd: MicroUSD(micros: 20_000_000), tokens: 5_000_000, decides: 500))
    #expect(
      web.workers
        == TenantConfiguration.WorkerLimits(
          maximum: 4, memory: ByteSize(bytes: 4 << 30), cpu: CPUShare(thousandths: 2000), processes: 512))
    #expect(web.sandboxes.disk == ByteSize(bytes: 20 << 30))
    #expect(!web.isPaused)
  }

  @Test func `only the data dir is needed`() throws {
    let web = try #require(try tenant("data_dir: /srv/web").0)
    #expect(web.user == nil)
    #expect(web.interval == .seconds(60))
    #expect(web.budget == .none)
    #expect(web.workers.maximum == 4)
    #expect(web.workers.memory == nil)
  }

  @Test func `a tenant's file lies over the defaults, key by key`() throws {
    let fleet = """
      defaults:
        interval: 5m
        weight: 3
        budget: { usd_per_day: 10, decides_per_day: 100 }
        workers: { max: 2, memory_max: 1G }
        paused: true
      """
    let web = try #require(
      try tenant(
        """
        data_dir: /srv/web
        budget: { usd_per_day: 2.50, decides_per_day: none }
        workers: { cpu: 0.5, memory_max: none }
        paused: false
        """, fleet: fleet
      ).0)
    #expect(web.interval == .seconds(300))
    #expect(web.weight == 3)
    #expect(web.budget == BudgetCaps(usd: MicroUSD(micros: 2_500_000)))
    #expect(web.workers.maximum == 2)
    #expect(web.workers.memory == nil)
    #expect(web.workers.cpu == CPUShare(thousandths: 500))
    #expect(!web.isPaused)
  }

  @Test func `sandboxes are as the tenant says over the defaults`() throws {
    let fleet = """
      defaults:
        sandboxes: { setup: npm ci, teardown: make clean, keep: 1h, ports: 20, warm_pool: 2, include: false }
      """
    let text = """
      data_dir: /srv/web
      sandboxes: { setup: none, include: [.env, "local/*"], keep_failed: 1d, setup_timeout: 90s, private: true }
      """
    let sandboxes = try #require(try tenant(text, fleet: fleet).0).sandboxes
    #expect(sandboxes.setup == nil && sandboxes.teardown == "make clean")
    #expect(sandboxes.setupTimeout == .seconds(90))
    #expect(sandboxes.include == .patterns([".env", "local/*"]))
    #expect((sandboxes.ports, sandboxes.warmPool, sandboxes.isPrivate) == (20, 2, true))
    #expect((sandboxes.keep, sandboxes.keepFailed) == (.seconds(3600), .seconds(86_400)))
    let built = try #require(try tenant("data_dir: /srv/web", fleet: "").0).sandboxes
    #expect(built == SandboxConfiguration())
    #expect((built.ports, built.warmPool, built.keep, built.include) == (10, 1, .zero, .listed))
  }

  /// Every mistake has its line, its words, and what to do.
  @Test(arguments: [
    (
      "data_dir: /d\nusd_per_day: 5", "2: unknown key `usd_per_day` in a tenant's file",
      "`usd_per_day` belongs below `budget:`"
    ),
    ("data_dir: /d\nintervall: 5m", "2: unknown key `intervall` in a tenant's file", "did you mean `interval`?"),
    (
      "data_dir: /d\nmax_beats: 5", "2: unknown key `max_beats` in a tenant's file",
      "`max_beats` belongs below `fleet:` in fleet.yaml"
    ),
    (
      "data_dir: /d\nxyzzy: 5", "2: unknown key `xyzzy` in a tenant's file",
      "known keys: budget, data_dir, environment, interval, landlock, paused, readable, repos, runner_home, sandboxes, time_zone, total, user, weight, workers, writable"
    ),
    (
      "data_dir: /d\nsandboxes:\n  setpu: x", "3: unknown key `setpu` in `sandboxes:`", "did you mean `setup`?"
    ),
    ("data_dir: /d\nsetup: x", "2: unknown key `setup` in a tenant's file", "`setup` belongs below `sandboxes:`"),
    (
      "data_dir: /d\nsandboxes: { ports: 5000 }", "2: `ports` must be a whole number from 0 to 1000, not `5000`", ""
    ),
    (
      "data_dir: /d\nsandboxes: { include: yes }", "2: `include` must be true or false, not `yes`",
      "write `include: true`"
    ),
    (
      "data_dir: /d\nbudget:\n  usd_per_dya: 5", "3: unknown key `usd_per_dya` in `budget:`",
      "did you mean `usd_per_day`?"
    ),
    (
      "data_dir: srv/web", "1: `data_dir` must be an absolute path, not `srv/web`",
      "write the whole path, beginning with `/`"
    ),
    (
      "data_dir: ~/web", "1: `data_dir` must be an absolute path, not `~/web`",
      "`~` is not expanded; write the whole path"
    ),
    ("interval: 5m", "1: `data_dir` is missing", "add `data_dir: /path/of/its/data`"),
    ("data_dir:", "1: `data_dir` needs a value", ""), ("data_dir: [/a]", "1: `data_dir` needs a value", ""),
    (
      "data_dir: /d\ninterval: 60", "2: `interval` must be a time, not `60`",
      "a time needs a unit; did you mean `interval: 60s`?"
    ),
    ("data_dir: /d\ninterval: 5 minutes", "2: `interval` must be a time, not `5 minutes`", "write 90s, 5m, 2h or 1d"),
    ("data_dir: /d\ninterval: 2d", "2: `interval` must lie between 1s and 1d, not `2d`", ""),
    ("data_dir: /d\nweight: 0", "2: `weight` must be a whole number from 1 to 1000, not `0`", ""),
    ("data_dir: /d\nweight: heavy", "2: `weight` must be a whole number from 1 to 1000, not `heavy`", ""),
    ("data_dir: /d\nuser: root", "2: `user` must not be root: everything of a tenant runs as that user", ""),
    ("data_dir: /d\nuser: 0", "2: `user` must not be root: everything of a tenant runs as that user", ""),
    ("data_dir: /d\nuser: a b", "2: `a b` is no name of a user", ""),
    ("data_dir: /d\npaused: yes", "2: `paused` must be true or false, not `yes`", "write `paused: true`"),
    ("data_dir: /d\nbudget: 20", "2: `budget:` must hold `key: value` lines", ""),
    (
      "data_dir: /d\nbudget: { usd_per_day: 20 USD }",
      "2: `usd_per_day` must be an amount in USD such as 20 or 2.50 or `none`, not `20 USD`",
      "write only the number: `20`"
    ),
    (
      "data_dir: /d\nbudget: { usd_per_day: -1 }",
      "2: `usd_per_day` must be an amount in USD such as 20 or 2.50 or `none`, not `-1`", ""
    ),
    (
      "data_dir: /d\nbudget: { usd_per_day: 1e3 }",
      "2: `usd_per_day` must be an amount in USD such as 20 or 2.50 or `none`, not `1e3`", ""
    ),
    (
      "data_dir: /d\nbudget: { decides_per_day: 1.5 }",
      "2: `decides_per_day` must be a whole number or `none`, not `1.5`", ""
    ),
    (
      "data_dir: /d\nworkers: { memory_max: 512 }",
      "2: `memory_max` must be a size such as 4G or 512M or `none`, not `512`",
      "a size needs a unit; did you mean `512M` or `512G`?"
    ),
    (
      "data_dir: /d\nworkers: { memory_max: 4 G }",
      "2: `memory_max` must be a size such as 4G or 512M or `none`, not `4 G`",
      "write it as one word: `4G`"
    ),
    ("data_dir: /d\nworkers: { max: -1 }", "2: `max` must be a whole number from 0 to 10000, not `-1`", ""),
    (
      "data_dir: /d\nworkers: { pids_max: 2 }", "2: `pids_max` must be a whole number of at least 8 or `none`, not `2`",
      ""
    ),
    (
      "data_dir: /d\nrepos: { 'a b': /r }", "2: `a b` is no name for a repository",
      "use letters, digits, `.`, `_` and `-`"
    ),
    (
      "data_dir: /d\nrepos: { a: r }", "2: `a` must be an absolute path, not `r`",
      "write the whole path, beginning with `/`"
    ),
    ("- data_dir", "1: a tenant's file must hold `key: value` lines", ""),
    ("data_dir: /d\ndata_dir: /e", "1: the same key twice: `data_dir`", "keep one of them"),
    (
      "data_dir: /d\n\tuser: x", "2: it is no YAML: found a tab character that violates indentation",
      "tabs are not allowed, and a text with `: ` or `#` in it needs quotes"
    ),
  ])
  func `a mistake is named with its line`(text: String, problem: String, hint: String) throws {
    let (configuration, problems) = try tenant(text)
    #expect(configuration == nil)
    #expect(problems.first?.description == "tenants.d/web.yaml:\(problem)")
    #expect(problems.first?.hint ?? "" == hint)
    #expect(problems.allSatisfy { $0.tenant == Self.web })
  }

  @Test func `all mistakes of a file are named at once`() throws {
    let (_, problems) = try tenant("data_dir: d\nweight: 0\nuser: root\nworkers:\n  cpus: 2\n  max: many\n")
    #expect(problems.map(\.line) == [1, 2, 3, 5, 6].map(Int?.some) || Set(problems.map(\.line)) == [1, 2, 3, 5, 6])
  }

  @Test(
    .enabled(if: hasZones, "needs the host's time zone data"),
    arguments: [
      ("Europe/Berln", "did you mean `Europe/Berlin`?"), ("CEST-ish", "write a name such as Europe/Berlin, or UTC"),
      ("../../etc/passwd", "write a name such as Europe/Berlin, or UTC"),
    ])
  func `a zone that is none`(name: String, hint: String) throws {
    let (_, problems) = try tenant("data_dir: /d\ntime_zone: \(name)")
    #expect(problems.map(\.description) == ["tenants.d/web.yaml:2: `\(name)` is no time zone of this machine"])
    #expect(problems.first?.hint == hint)
  }

  @Test func `a machine without zone data is told what to install`() throws {
    let parser = ConfigurationParser(zones: ZoneDirectory(root: "/nonexistent", machineZone: "/nonexistent"))
    let fleet = try #require(parser.fleet("").configuration)
    #expect(fleet.zone == .utc)
    let result = parser.tenant(Self.web, "data_dir: /d\ntime_zone: Europe/Berlin", file: "f", fleet: fleet)
    #expect(
      result.problems.first?.hint == "this machine has no time zone data: install the package `tzdata`, or write `UTC`")
    #expect(parser.tenant(Self.web, "data_dir: /d\ntime_zone: UTC", file: "f", fleet: fleet).problems == [])
  }

  // MARK: - fleet.yaml

  @Test func `every key of the fleet`() throws {
    let result = ConfigurationParser().fleet(
      """
      fleet:
        max_beats: 2
        max_decides: 3
        max_workers: 0
        time_zone: UTC
        budget: { usd_per_day: 100, tokens_per_day: 1_000_000 }
        grace: 1h30m
        disk_free_min: 500M
        port_range: 30000-30099
        require: [user, cgroup]
        hooks:
          ask: [/usr/bin/notify, "--now"]
          webhook: https://example.org/x
          reminders: [1d, 30m]
      """)
    #expect(result.problems == [])
    let fleet = try #require(result.configuration)
    #expect((fleet.maximumBeats, fleet.maximumDecides, fleet.maximumWorkers) == (2, 3, 0))
    #expect(fleet.ports == 30_000...30_099)
    #expect(fleet.budget == BudgetCaps(usd: MicroUSD(micros: 100_000_000), tokens: 1_000_000))
    #expect(fleet.grace == .seconds(5400))
    #expect(fleet.freeSpace == ByteSize(bytes: 500 << 20))
    #expect(fleet.required == [.user, .cgroup])
    #expect(fleet.hooks.ask == ["/usr/bin/notify", "--now"])
    #expect(fleet.hooks.reminders == [.seconds(1800), .seconds(86_400)])
  }

  @Test(arguments: [
    ("fleet:\n  max_beat: 2", "2: unknown key `max_beat` in `fleet:`", "did you mean `max_beats`?"),
    ("flet:\n  max_beats: 2", "1: unknown key `flet` in fleet.yaml", "did you mean `fleet`?"),
    ("max_beats: 2", "1: unknown key `max_beats` in fleet.yaml", "`max_beats` belongs below `fleet:` in fleet.yaml"),
    ("fleet:\n  usd_per_day: 2", "2: unknown key `usd_per_day` in `fleet:`", "`usd_per_day` belongs below `budget:`"),
    ("fleet:\n  require: [landlok]", "2: `landlok` is no guard", "did you mean `landlock`?"),
    (
      "fleet:\n  port_range: 80-90", "2: `port_range` must be two ports from 1024 to 65535, not `80-90`",
      "write `port_range: 20000-29999`"
    ),
    ("fleet:\n  warm_pool: 2", "2: unknown key `warm_pool` in `fleet:`", "`warm_pool` belongs below `sandboxes:`"),
    ("fleet:\n  max_beats: 0", "2: `max_beats` must be a whole number from 1 to 10000, not `0`", ""),
    (
      "fleet:\n  hooks: { ask: notify }", "2: `ask` must begin with the absolute path of a program, not `notify`",
      "write `ask: [/usr/local/bin/notify, ARGUMENT]`"
    ),
    ("fleet:\n  hooks: { webhook: x }", "2: `webhook` must be a URL that begins with https:// or http://, not `x`", ""),
    (
      "defaults:\n  data_dir: /d", "2: unknown key `data_dir` in `defaults:`",
      "`data_dir` belongs in a tenant's own file, tenants.d/NAME.yaml"
    ),
    ("fleet: 7", "1: `fleet:` must hold `key: value` lines", ""),
    (
      "fleet:\n  prices: /p.yaml", "2: the price list `/p.yaml` cannot be used",
      "its own problems are listed beside this one"
    ),
  ])
  func `a mistake in fleet.yaml refuses it whole`(text: String, problem: String, hint: String) {
    let result = ConfigurationParser().fleet(text)
    #expect(result.configuration == nil)
    #expect(result.problems.first?.description == "fleet.yaml:\(problem)")
    #expect(result.problems.first?.hint ?? "" == hint)
  }

  @Test(arguments: ["", "# only a comment\n", "fleet:\n", "fleet: {}\ndefaults: {}\n", "---\n"])
  func `an empty fleet.yaml is the built-in one`(text: String) {
    #expect(ConfigurationParser().fleet(text).configuration == ConfigurationParser().fleet("").configuration)
    #expect(ConfigurationParser().fleet(text).problems == [])
  }

  @Test(arguments: 0..<300 as Range<UInt64>) func `no text makes it trap`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var text = Array(ConfigurationStarter.tenant.replacing("# ", with: "").unicodeScalars)
    let odd = Array("\t:{}[]&*!|>'\"%@`#-\u{0}\u{FFFD}\n ?,~".unicodeScalars)
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      text[Int.random(in: 0..<text.count, using: &random)] = odd.randomElement(using: &random)!
    }
    let mangled = String(String.UnicodeScalarView(text))
    let (configuration, problems) = try tenant(mangled)
    #expect(configuration != nil || !problems.isEmpty)
  }

  // MARK: - Units

  @Test(arguments: [
    ("90s", 90_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000), ("500ms", 500), ("1h30m", 5_400_000),
    ("0s", 0),
  ])
  func `times`(text: String, milliseconds: Int) throws {
    let duration = try #require(DurationText.duration(text))
    #expect(duration == .milliseconds(milliseconds))
    #expect(DurationText.duration(DurationText.text(duration)) == duration)
  }

  @Test(arguments: [
    "", "5", "s", "5 s", "-5s", "1.5h", "5m2h", "5s5s", "5x", "99999999999999999999s", "9223372036854775807d",
  ])
  func `no times`(text: String) { #expect(DurationText.duration(text) == nil) }

  @Test(arguments: [
    ("4G", Int64(4) << 30, "4G"), ("512M", 512 << 20, "512M"), ("1.5G", 1536 << 20, "1536M"),
    ("20GiB", 20 << 30, "20G"),
    ("1t", 1 << 40, "1T"), ("3k", 3072, "3K"),
  ])
  func `sizes`(text: String, bytes: Int64, words: String) {
    #expect(ByteSize(text)?.bytes == bytes)
    #expect(ByteSize(text)?.description == words)
  }

  @Test(arguments: ["", "4", "G", "-1G", "4GB/s", "1.5.5G", "4 G", "99999999999T", "1.G", "1.2345G"])
  func `no sizes`(text: String) { #expect(ByteSize(text) == nil) }

  @Test(arguments: [("2", "2"), ("0.5", "0.50"), ("0.125", "0.125"), ("12.5", "12.50")])
  func `processors`(text: String, words: String) { #expect(CPUShare(text)?.description == words) }

  @Test(arguments: ["0", "0.001", "-1", "1.0001", "two"]) func `no processors`(text: String) {
    #expect(CPUShare(text) == nil)
  }

  @Test(
    arguments: [
      ("usd_per_dya", "usd_per_day"), ("wokers", "workers"), ("BUDGET", "budget"), ("zone", nil), ("q", nil),
    ] as [(String, String?)])
  func `the nearest word`(word: String, nearest: String?) {
    #expect(Spelling.nearest(word, among: ["usd_per_day", "workers", "budget", "time_zone"]) == nearest)
  }
}
