package import SystemPackage
package import Tenant
internal import Yams

/// Text to configuration. Pure apart from looking up time zones; reading the files is `ConfigurationDirectory`'s.
package struct ConfigurationParser: Sendable {
  private let zones: ZoneDirectory

  package init(zones: ZoneDirectory = .system) { self.zones = zones }

  /// `fleet.yaml`. Nil configuration: at least one problem, and nothing of it may be used, since half a set of caps is none.
  package func fleet(
    _ text: String, file: String = "fleet.yaml", prices: (FilePath) -> PriceTable? = { _ in nil }
  )
    -> (configuration: FleetConfiguration?, problems: [ConfigurationProblem])
  {
    var reader = DocumentReader(file: file)
    var fleet = FleetConfiguration(zone: zones.machine)
    let document = reader.document(text)
    let top = reader.entries(document, "fleet.yaml", known: ConfigurationKeys.top)
    read(top["fleet"], into: &fleet, prices: prices, &reader)
    let defaults = reader.entries(top["defaults"], "`defaults:`", known: ConfigurationKeys.settings)
    fleet.defaults = settings(defaults, &reader)
    return (reader.problems.isEmpty ? fleet : nil, reader.problems)
  }

  /// One file of `tenants.d`. What holds between tenants (the same data dir twice) is checked by the directory.
  package func tenant(
    _ id: TenantID, _ text: String, file: String, fleet: FleetConfiguration
  )
    -> (configuration: TenantConfiguration?, dataDirectoryLine: Int?, problems: [ConfigurationProblem])
  {
    var reader = DocumentReader(file: file, tenant: id)
    let document = reader.document(text)
    let top = reader.entries(document, "a tenant's file", known: ConfigurationKeys.tenant)
    var dataDirectory: FilePath?
    if let node = top["data_dir"] {
      dataDirectory = path(node, "data_dir", &reader)
    } else if reader.problems.isEmpty {
      reader.refuse(document, "`data_dir` is missing", hint: "add `data_dir: /path/of/its/data`")
    }
    var repositories: [String: FilePath] = [:]
    for (key, name, value) in reader.pairs(top["repos"], "`repos:`") {
      guard TenantID(name) != nil else {
        reader.refuse(key, "`\(name)` is no name for a repository", hint: "use letters, digits, `.`, `_` and `-`")
        continue
      }
      repositories[name] = path(value, name, &reader)
    }
    let runnerHome = top["runner_home"].flatMap { path($0, "runner_home", &reader) }
    let merged = settings(top, &reader).over(fleet.defaults)
    guard reader.problems.isEmpty, let dataDirectory else { return (nil, nil, reader.problems) }
    let configuration = TenantConfiguration(
      id: id, dataDirectory: dataDirectory, settings: merged, zone: merged.timeZone ?? fleet.zone,
      repositories: repositories, runnerHome: runnerHome)
    return (configuration, top["data_dir"]?.mark?.line, [])
  }

  private func read(
    _ node: Node?, into fleet: inout FleetConfiguration, prices: (FilePath) -> PriceTable?,
    _ reader: inout DocumentReader
  ) {
    let entries = reader.entries(node, "`fleet:`", known: ConfigurationKeys.fleet)
    if let node = entries["max_beats"], let value = reader.integer(node, "max_beats", in: 1...10_000) {
      fleet.maximumBeats = Int(value)
    }
    if let node = entries["max_decides"], let value = reader.integer(node, "max_decides", in: 1...10_000) {
      fleet.maximumDecides = Int(value)
    }
    if let node = entries["max_workers"], let value = reader.integer(node, "max_workers", in: 0...10_000) {
      fleet.maximumWorkers = Int(value)
    }
    if let node = entries["time_zone"], let zone = zone(node, &reader) { fleet.zone = zone }
    if let node = entries["grace"], let grace = reader.duration(node, "grace", in: .zero ... .seconds(86_400)) {
      fleet.grace = grace
    }
    if let node = entries["meter_every"],
      let period = reader.duration(node, "meter_every", in: .seconds(1) ... .seconds(3600))
    {
      fleet.meterEvery = period
    }
    if let node = entries["port_range"], let range = portRange(node, &reader) { fleet.ports = range }
    if let node = entries["disk_free_min"] {
      let size = reader.limit(node, "disk_free_min", "a size", hint: Self.sizeHint) { ByteSize($0) }
      if size != .unset { fleet.freeSpace = size.value ?? ByteSize(bytes: 0) }
    }
    if let node = entries["prices"], let path = path(node, "prices", &reader) {
      if let table = prices(path) {
        fleet.prices = table
      } else {
        reader.refuse(
          node, "the price list `\(path)` cannot be used", hint: "its own problems are listed beside this one")
      }
    }
    let budget = settings(["budget": entries["budget"]].compactMapValues { $0 }, &reader)
    fleet.budget = BudgetCaps(
      usd: budget.usdPerDay.value, tokens: budget.tokensPerDay.value, decides: budget.decidesPerDay.value)
    readRequired(entries["require"], into: &fleet, &reader)
    readHooks(entries["hooks"], into: &fleet, &reader)
  }

  private func readRequired(_ node: Node?, into fleet: inout FleetConfiguration, _ reader: inout DocumentReader) {
    guard let node else { return }
    for (node, word) in reader.words(node, "require") {
      guard let guardName = GuardName(rawValue: word) else {
        let names = GuardName.allCases.map(\.rawValue)
        let near = Spelling.nearest(word, among: names).map { "did you mean `\($0)`?" }
        reader.refuse(
          node, "`\(word)` is no guard", hint: near ?? "guards: \(names.joined(separator: ", "))")
        continue
      }
      fleet.required.insert(guardName)
    }
  }

  private func readHooks(_ node: Node?, into fleet: inout FleetConfiguration, _ reader: inout DocumentReader) {
    let entries = reader.entries(node, "`hooks:`", known: ConfigurationKeys.hooks)
    if let node = entries["ask"] {
      let words = reader.words(node, "ask")
      if let program = words.first, !program.text.hasPrefix("/") {
        reader.refuse(
          program.node, "`ask` must begin with the absolute path of a program, not `\(program.text)`",
          hint: "write `ask: [/usr/local/bin/notify, ARGUMENT]`")
      }
      fleet.hooks.ask = words.map(\.text)
    }
    if let node = entries["webhook"], let url = reader.text(node, "webhook") {
      if url.hasPrefix("https://") || url.hasPrefix("http://") {
        fleet.hooks.webhook = url
      } else {
        reader.refuse(node, "`webhook` must be a URL that begins with https:// or http://, not `\(url)`")
      }
    }
    let reminders = entries["reminders"].map { reader.words($0, "reminders") } ?? []
    for (node, _) in reminders {
      if let age = reader.duration(node, "reminders", in: .seconds(1) ... .seconds(30 * 86_400)) {
        fleet.hooks.reminders.append(age)
      }
    }
    fleet.hooks.reminders.sort()
  }

  private func settings(_ entries: [String: Node], _ reader: inout DocumentReader) -> TenantSettings {
    var settings = TenantSettings()
    if let node = entries["user"], let user = reader.text(node, "user") {
      if let problem = Self.complaint(aboutUser: user) { reader.refuse(node, problem) } else { settings.user = user }
    }
    if let node = entries["interval"] {
      settings.interval = reader.duration(node, "interval", in: .seconds(1) ... .seconds(86_400))
    }
    if let node = entries["weight"] { settings.weight = reader.integer(node, "weight", in: 1...1000).map(Int.init) }
    if let node = entries["time_zone"] { settings.timeZone = zone(node, &reader) }
    if let node = entries["paused"] { settings.isPaused = reader.boolean(node, "paused") }
    readConfinement(entries, into: &settings, &reader)
    let budget = reader.entries(entries["budget"], "`budget:`", known: ConfigurationKeys.budget)
    if let node = budget["usd_per_day"] {
      settings.usdPerDay = reader.limit(
        node, "usd_per_day", "an amount in USD such as 20 or 2.50", hint: Self.moneyHint
      ) { MicroUSD(decimal: $0) }
    }
    if let node = budget["tokens_per_day"] {
      settings.tokensPerDay = reader.limit(node, "tokens_per_day", "a whole number", Self.count)
    }
    if let node = budget["decides_per_day"] {
      settings.decidesPerDay = reader.limit(node, "decides_per_day", "a whole number", Self.count)
    }
    let workers = reader.entries(entries["workers"], "`workers:`", known: ConfigurationKeys.workers)
    if let node = workers["max"] { settings.maximumWorkers = reader.integer(node, "max", in: 0...10_000).map(Int.init) }
    (settings.memory, settings.cpu, settings.processes) = machineLimits(workers, &reader)
    if let node = workers["bubblewrap"] { settings.bubblewrap = reader.boolean(node, "bubblewrap") }
    let total = reader.entries(entries["total"], "`total:`", known: ConfigurationKeys.total)
    (settings.total.memory, settings.total.cpu, settings.total.processes) = machineLimits(total, &reader)
    if let node = total["disk_max"] {
      settings.total.disk = reader.limit(node, "disk_max", "a size such as 50G", hint: Self.sizeHint) { ByteSize($0) }
    }
    settings.sandboxes = sandboxes(entries["sandboxes"], &reader)
    return settings
  }

  private func machineLimits(
    _ entries: [String: Node], _ reader: inout DocumentReader
  ) -> (memory: LimitSetting<ByteSize>, cpu: LimitSetting<CPUShare>, processes: LimitSetting<Int>) {
    var limits = (
      memory: LimitSetting<ByteSize>.unset, cpu: LimitSetting<CPUShare>.unset, processes: LimitSetting<Int>.unset
    )
    if let node = entries["memory_max"] {
      limits.memory = reader.limit(node, "memory_max", "a size such as 4G or 512M", hint: Self.sizeHint) {
        ByteSize($0)
      }
    }
    if let node = entries["cpu"] {
      limits.cpu = reader.limit(node, "cpu", "a number of processors such as 2 or 0.5") { CPUShare($0) }
    }
    if let node = entries["pids_max"] {
      limits.processes = reader.limit(node, "pids_max", "a whole number of at least 8") { text in
        Self.count(text).flatMap { (8...4_194_304).contains($0) ? Int($0) : nil }
      }
    }
    return limits
  }

  private func readConfinement(
    _ entries: [String: Node], into settings: inout TenantSettings, _ reader: inout DocumentReader
  ) {
    if let node = entries["landlock"], let word = reader.text(node, "landlock") {
      settings.landlock = LandlockChoice(rawValue: word)
      if settings.landlock == nil {
        reader.refuse(
          node, "`landlock` must be auto, on or off, not `\(word)`",
          hint: "off is for a runner that makes a sandbox of its own by mounting, such as codex")
      }
    }
    for (key, name, value) in reader.pairs(entries["environment"], "`environment:`") {
      guard !ReservedVariables.contains(name) else {
        reader.refuse(
          key, "`\(name)` cannot be set for a tenant",
          hint: "it would change how programs are loaded, or is the fleet's own to set")
        continue
      }
      if let text = reader.text(value, name) { settings.environment[name] = text }
    }
    func paths(_ key: String) -> [FilePath]? {
      entries[key].map { node in reader.words(node, key).compactMap { path($0.node, key, &reader) } }
    }
    settings.readable = paths("readable")
    settings.writable = paths("writable")
  }

  private func path(_ node: Node, _ key: String, _ reader: inout DocumentReader) -> FilePath? {
    guard let text = reader.text(node, key) else { return nil }
    let path = FilePath(text).lexicallyNormalized()
    guard path.isAbsolute else {
      let hint =
        text.hasPrefix("~") ? "`~` is not expanded; write the whole path" : "write the whole path, beginning with `/`"
      reader.refuse(node, "`\(key)` must be an absolute path, not `\(text)`", hint: hint)
      return nil
    }
    return path
  }

  private func zone(_ node: Node, _ reader: inout DocumentReader) -> ZoneRules? {
    guard let name = reader.text(node, "time_zone") else { return nil }
    if let zone = zones.zone(name) { return zone }
    let names = zones.names()
    let hint =
      names.isEmpty
      ? "this machine has no time zone data: install the package `tzdata`, or write `UTC`"
      : Spelling.nearest(name, among: names).map { "did you mean `\($0)`?" }
        ?? "write a name such as Europe/Berlin, or UTC"
    reader.refuse(node, "`\(name)` is no time zone of this machine", hint: hint)
    return nil
  }

  private static func count(_ text: String) -> Int64? {
    let digits = text.filter { $0 != "_" }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    return Int64(digits)
  }

  private static func moneyHint(_ text: String) -> String? {
    // Only a currency is taken away: of `1e3` or `-1` nobody can say what was meant.
    let bare = text.uppercased().replacing("USD", with: "").filter { $0 != "$" && !$0.isWhitespace }
    return MicroUSD(decimal: bare).map { _ in "write only the number: `\(bare)`" }
  }

  static func sizeHint(_ text: String) -> String? {
    if Int64(text) != nil { return "a size needs a unit; did you mean `\(text)M` or `\(text)G`?" }
    let squeezed = text.filter { !$0.isWhitespace }
    return ByteSize(squeezed) == nil ? "units are K, M, G and T" : "write it as one word: `\(squeezed)`"
  }

  /// Whether an account of that name may be a tenant's; whether it exists is for the supervisor to see.
  private static func complaint(aboutUser user: String) -> String? {
    if user == "root" || Int64(user) == 0 { return "`user` must not be root: everything of a tenant runs as that user" }
    let isName = user.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
    return isName && user.utf8.count <= 32 && user.first != "-" ? nil : "`\(user)` is no name of a user"
  }
}
