import Fleet
import Tenant
import Testing

@Suite struct StatusScreenTests {
  let plain = Paint(isOn: false)

  func screen(_ rows: [TenantRow], asks: [MailboxAsk] = [], workers: [WorkerRow] = []) async -> StatusScreen {
    var document = await InMemoryFleet().document()
    document.tenants = rows
    return StatusScreen(document: document, asks: asks, workers: workers, now: 1000)
  }

  @Test func `it says who runs, who is held and why, and what to type`() async {
    let text = await screen(
      [InMemoryFleet.row("api"), InMemoryFleet.row("web", phase: .held, reason: "USD cap of $20 is spent")],
      asks: [InMemoryFleet.ask("web", "deploy-1", irreversible: true)],
      workers: [WorkerRow(tenant: "web", id: "fix", phase: .pending, reason: "its quota is 1", position: 1)]
    ).lines(width: 120, paint: plain).joined(separator: "\n")
    #expect(text.contains("looop-fleet 9.9.9 · pid 42 · up 2h · 2 tenants"))
    #expect(text.contains("landlock is not enforced: the kernel has none"))
    #expect(text.contains("USD cap of $20 is spent"))
    #expect(text.contains("web/fix · place 1 · its quota is 1"))
    #expect(text.contains("looop-fleet answer web/deploy-1 yes"))
    #expect(text.contains("irreversible"))
    let order = text.split(separator: "\n").compactMap { line in ["api ", "web "].first { line.hasPrefix($0) } }
    #expect(order == ["web ", "api "], "who is in trouble comes first")
  }

  @Test func `the fleet's own cap stands beside what was spent, with its concern`() async {
    var screen = await screen([InMemoryFleet.row("api")])
    let without = screen.lines(width: 160, paint: plain).joined(separator: "\n")
    #expect(without.contains("$2.40 today"))
    screen.document.budget = TenantBudget(
      day: "2026-06-30", resetsAt: 2000, usd: .init(spent: 2_400_000, cap: 3_000_000), tokens: .init(),
      decides: .init(),
      state: "warning")
    screen.document.budgetNote = "80 % of today's $3.00 are spent or held; at this rate spent by 15:40"
    let text = screen.lines(width: 160, paint: plain).joined(separator: "\n")
    #expect(text.contains("$2.40 of $3.00 today"))
    #expect(
      text.contains("! the whole fleet: 80 % of today's $3.00 are spent or held; at this rate spent by 15:40"))
    // What all others spend is not the business of one tenant's user.
    let seen = screen.document.visible(to: .tenant("api"))
    #expect(seen.budget == nil && seen.budgetNote == nil)
  }

  @Test func `shared users and an empty fleet are said in words`() async {
    var screen = await screen([])
    screen.document.isolation = .shared
    let text = screen.lines(width: 100, paint: plain).joined(separator: "\n")
    #expect(text.contains("not isolated from each other"))
    #expect(text.contains("looop-fleet tenant add"))
    // One of many as root is not all of them.
    var (web, api) = (InMemoryFleet.row("web"), InMemoryFleet.row("api"))
    (web.user, api.user) = ("root", "bob")
    screen.document.tenants = [web, api]
    screen.document.guards = [.init(name: "user", level: .absent, detail: "web run as root")]
    let mixed = screen.lines(width: 120, paint: plain).joined(separator: "\n")
    #expect(mixed.contains("web run as root") && !mixed.contains("they all run"), "\(mixed)")
  }

  @Test func `weaker is not the same as absent`() async {
    var screen = await screen([InMemoryFleet.row("web")])
    screen.document.guards = [.init(name: "memory", level: .weaker, detail: "none for web")]
    #expect(screen.lines(width: 120, paint: plain).contains { $0.contains("memory is weaker: none for web") })
    screen.document.guards += ["cpu", "proc"].map { .init(name: $0, level: .absent, detail: "x") }
    #expect(screen.lines(width: 120, paint: plain).contains { $0.contains("not enforced: cpu, proc; weaker: memory") })
  }

  @Test func `CPU and memory are shown where they fit and somebody counts them`() async {
    var screen = await screen([InMemoryFleet.row("web")])
    let wide = screen.lines(width: 140, paint: plain).joined(separator: "\n")
    #expect(wide.contains("CPU    MEMORY") && wide.contains("40 %  64.0 MiB"), "\(wide)")
    // They go before anything that stood there before them.
    let narrow = screen.lines(width: 100, paint: plain).joined(separator: "\n")
    #expect(!narrow.contains("CPU") && narrow.contains("SANDBOXES") && narrow.contains("USER"), "\(narrow)")
    screen.document.tenants[0].use = nil
    #expect(!screen.lines(width: 140, paint: plain).joined().contains("MEMORY"))
  }

  @Test(arguments: [(0.0, "0.0 %"), (0.44, "0.4 %"), (9.96, "10 %"), (180.4, "180 %"), (.infinity, "1000000000 %")])
  func `a share of a processor is short`(value: Double, text: String) { #expect(Display.percent(value) == text) }

  @Test(arguments: [40, 60, 80, 120, 200])
  func `no line is wider than the terminal`(width: Int) async {
    let rows = [
      InMemoryFleet.row("a-tenant-with-quite-a-long-name-indeed"),
      InMemoryFleet.row("東京", phase: .degraded, reason: String(repeating: "so long a reason ", count: 20)),
    ]
    let lines = await screen(rows, asks: [InMemoryFleet.ask("東京", "x")]).lines(width: width, paint: plain)
    for line in lines where !line.contains("looop-fleet answer") && !line.contains("⚑") {
      #expect(Display.width(of: line) <= width, "\(line)")
    }
  }

  @Test func `a live screen never has more lines than the terminal`() async {
    let rows = (0..<100).map { InMemoryFleet.row("t\($0)", phase: $0 == 77 ? .quarantined : .running) }
    let lines = await screen(rows).lines(width: 100, height: 24, paint: plain)
    #expect(lines.count <= 24)
    #expect(lines.contains { $0.hasPrefix("t77 ") }, "the one in trouble is not cut off")
    #expect(lines.contains { $0.contains("more lines") })
  }

  @Test func `what a tenant writes cannot drive the terminal`() async {
    let evil = "\u{1B}[2J\u{1B}]0;owned\u{07}hello\r\nworld\u{202E}txt"
    var ask = InMemoryFleet.ask("web", "a\u{1B}[31m")
    ask.prompt = evil
    ask.options = [evil]
    let screen = await screen([InMemoryFleet.row("web", phase: .degraded, reason: evil)], asks: [ask])
    let text = (screen.lines(width: 120, paint: plain) + AskText(ask).full(paint: plain)).joined(separator: "\n")
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    #expect(!text.unicodeScalars.contains { $0.value == 0x202E })
    #expect(text.contains("hello"))
  }

  @Test func `colour only dresses what is said anyway`() async {
    let screen = await screen([InMemoryFleet.row("web", phase: .held, reason: "spent")])
    let coloured = screen.lines(width: 100, paint: Paint(isOn: true)).joined(separator: "\n")
    #expect(coloured.contains("\u{1B}["))
    let stripped = coloured.replacing(/\u{1B}\[[0-9]*m/, with: "")
    #expect(stripped == screen.lines(width: 100, paint: plain).joined(separator: "\n"))
  }

  @Test func `an answer's command survives the shell`() {
    var ask = InMemoryFleet.ask("web", "a-1")
    ask.options = ["it's fine"]
    #expect(AskText(ask).command == #"looop-fleet answer web/a-1 'it'\''s fine'"#)
    ask.options = []
    #expect(AskText(ask).command == "looop-fleet answer web/a-1 TEXT")
  }

  @Test(arguments: [
    (Int64(0), "$0.00"), (4200, "$0.0042"), (9_999, "$0.0099"), (10_000, "$0.01"), (1_200_000, "$1.20"),
    (1_999_999, "$2.00"), (-1_500_000, "-$1.50"), (123_456_789_000, "$123456.79"),
  ])
  func `money is read at a glance`(micro: Int64, text: String) { #expect(Display.money(micro) == text) }

  @Test func `ages, counts and sizes are short`() {
    #expect([5, 61, 7200, 200_000].map { Display.age($0) } == ["5s", "1m", "2h", "2d"])
    #expect([850, 12_345, 5_040_000].map { Display.count($0) } == ["850", "12k", "5.0M"])
    #expect([512, 3_500_000, 5 << 30].map { Display.bytes($0) } == ["512 B", "3.3 MiB", "5.0 GiB"])
  }

  @Test(arguments: [
    ("hello", 5, "hello"), ("hello!", 5, "hell…"), ("東京都", 5, "東京…"), ("a\n\tb", 9, "a b"), ("x", 0, ""),
  ])
  func `a line is cut to its cells`(text: String, limit: Int, expected: String) {
    #expect(Display.line(text, limit: limit) == expected)
  }

  @Test func `less important columns go first`() {
    let table = TextTable(
      [.init("NAME"), .init("LATER", expendability: 2), .init("SOON", expendability: 1)],
      [.init([.init("one"), .init("drop me first"), .init("then me")])])
    #expect(table.lines(width: 80, paint: plain)[1] == "one   drop me first  then me")
    #expect(table.lines(width: 20, paint: plain)[1] == "one   then me")
    #expect(table.lines(width: 8, paint: plain)[1] == "one")
  }
}
