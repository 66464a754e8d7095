import ArgumentParser
import Fleet
import Tenant

struct ReloadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload", abstract: "Apply the changed configuration; what is refused keeps its last good form.")

  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let outcome = try await common.client().post("/v1/reload")
    if json { Printer.standard.json(outcome) } else { Self.tell(outcome) }
    if outcome["refused"]?.array?.isEmpty == false { throw ExitStatus.refused }
  }

  /// What was applied is the answer; what was refused goes to standard error, each with its hint.
  static func tell(_ outcome: JSON) {
    let applied = (outcome["applied"]?.array ?? []).compactMap(\.string)
    let refused = outcome["refused"]?.array ?? []
    if applied.isEmpty, refused.isEmpty { Printer.standard.line("nothing changed") }
    Printer.standard.lines(applied.map { Display.line($0) })
    for problem in refused {
      let place = (problem["file"]?.string ?? "") + (problem["line"]?.int.map { ":\($0)" } ?? "")
      Printer.standard.fail("\(place): \(problem["message"]?.string ?? "")", hint: problem["hint"]?.string)
    }
  }

  /// After a change of a tenant's file: applies it where a fleet runs, and says so where none does. Other tenants' files that are
  /// refused are told, and are no failure of this one.
  static func afterChange(of tenant: String, _ common: CommonOptions) async throws {
    do {
      let outcome = try await common.client().post("/v1/reload")
      tell(outcome)
      // A refused fleet.yaml is nobody's, and then nothing is applied at all.
      let isRefused = outcome["refused"]?.array?.contains { [tenant, nil].contains($0["tenant"]?.string) } == true
      if isRefused { throw ExitStatus.refused }
    } catch let refusal as FleetRefusal where refusal.class == .notRunning {
      Printer.standard.note("the fleet is not running; the change counts when it starts")
    }
  }
}
