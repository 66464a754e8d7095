import ArgumentParser
import Fleet
import Glibc
import SystemPackage
import Tenant

struct TenantAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a tenant: write its file, and apply it where the fleet runs.",
    discussion: "Only what is given is written; the rest comes from `defaults:` in fleet.yaml.")

  @Argument(help: "Its name: letters, digits, `.`, `_` and `-`.") var name: String
  @Option(help: "Its data dir; made where it is not there yet.") var dataDir: String
  @Option(help: "The Unix user it runs as.") var user: String?
  @Flag(help: "Make that user (looop-NAME without --user): a system user with a home and no password. Needs root.")
  var createUser = false
  @Option(name: .customLong("repo"), help: "A repository for its workers: NAME=PATH. May be given again.")
  var repositories: [String] = []
  @Option(help: "Between two beats: 60s, 5m.") var interval: String?
  @Option(help: "Its share beside the others' (1).") var weight: Int?
  @Option(help: "Whose midnight begins its day: Europe/Berlin.") var timeZone: String?
  @Option(help: "Dollars a day.") var usdPerDay: String?
  @Option(help: "Tokens a day.") var tokensPerDay: Int64?
  @Option(help: "Decides a day.") var decidesPerDay: Int64?
  @Option(help: "Live workers at once.") var maxWorkers: Int?
  @Option(help: "Memory of one worker: 4G.") var memoryMax: String?
  @Option(help: "Processors of one worker: 2, 0.5.") var cpu: String?
  @Option(help: "Disk of its sandboxes: 20G.") var diskMax: String?
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let draft = try draft()
    let writer = ConfigurationWriter(
      directory: try common.paths().configuration, group: UserLookup.system.group(RoleBook.opsGroup))
    // The user first: a tenant's file that names nobody would be a tenant in trouble.
    if createUser, let name = draft.user { try Self.makeUser(name) }
    let path = try writer.add(draft)
    Printer.standard.line("wrote \(path)")
    let isNew = try TenantPlace.make(draft.dataDirectory, user: draft.user)
    if isNew { Printer.standard.line("made \(draft.dataDirectory)") }
    try await ReloadCommand.afterChange(of: draft.id.name, common)
    if isNew {
      Printer.standard.line(
        "next, once the fleet runs: looop --tenant \(name) init --runner claude (or codex, opencode, pi, rules)")
    }
  }

  private static func makeUser(_ name: String) throws {
    guard geteuid() == 0 else {
      throw FleetRefusal(
        .permissionDenied, "only root can make the user \(Display.line(name))",
        hint: "run it as root, or leave out --create-user and --user")
    }
    do throws(TenantUser.Failure) {
      // Its agents keep their logins below its home, which is nobody else's.
      let user = try TenantUser.create(name, home: FilePath("/home").appending(name))
      Printer.standard.line("user \(user.name) (\(user.uid))\(user.home.map { ", home \($0)" } ?? "")")
    } catch {
      throw FleetRefusal(.conflict, error.description, hint: "make it by hand: useradd --system --create-home \(name)")
    }
  }

  func draft() throws -> TenantDraft {
    guard let id = TenantID(name) else {
      throw ValidationError(
        "\(name) is no name for a tenant: use up to \(TenantID.longest) letters, digits, `.`, `_` and `-`")
    }
    var draft = TenantDraft(id: id, dataDirectory: CommonOptions.absolute(dataDir))
    draft.user = user ?? (createUser ? "looop-\(id.name.lowercased())" : nil)
    draft.interval = try read(interval, "--interval", "60s or 5m", DurationText.duration)
    draft.weight = weight
    draft.timeZone = timeZone
    for text in repositories {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex, text.index(after: equals) != text.endIndex
      else { throw ValidationError("--repo \(text): write it NAME=PATH") }
      let path = CommonOptions.absolute(String(text[text.index(after: equals)...]))
      draft.repositories[String(text[..<equals])] = path
    }
    draft.usdPerDay = try read(usdPerDay, "--usd-per-day", "20 or 2.50") { MicroUSD(decimal: $0) }
    draft.tokensPerDay = tokensPerDay
    draft.decidesPerDay = decidesPerDay
    draft.maximumWorkers = maxWorkers
    draft.memory = try read(memoryMax, "--memory-max", "4G or 512M") { ByteSize($0) }
    draft.cpu = try read(cpu, "--cpu", "2 or 0.5") { CPUShare($0) }
    draft.disk = try read(diskMax, "--disk-max", "20G") { ByteSize($0) }
    return draft
  }

  private func read<Value>(
    _ text: String?, _ option: String, _ example: String, _ parse: (String) -> Value?
  ) throws -> Value? {
    guard let text else { return nil }
    guard let value = parse(text) else { throw ValidationError("\(option) \(text): write it like \(example)") }
    return value
  }
}
