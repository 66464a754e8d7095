import ArgumentParser
import Fleet
import Tenant

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Look for what is wrong or weak here, and say what to do about it.")

  @Flag(help: "As JSON.") var json = false
  @OptionGroup var common: CommonOptions

  func run() async throws {
    var facts = DoctorFacts.gather(
      paths: try common.paths(), environment: common.environment, programs: ["looop", "bash", "git"])
    let client = try common.client()
    do throws(FleetRefusal) {
      facts.document = FleetDocument(json: try await client.get("/v1/status"))
      if facts.document == nil { facts.absence = .notOurs }
    } catch {
      facts.absence = error
    }
    let checks = Doctor.checks(facts)
    if json {
      Printer.standard.json(["checks": .array(checks.map(\.json))])
    } else {
      Printer.standard.lines(checks.flatMap { Self.lines($0, paint: Printer.standard.paint) })
    }
    throw ExitStatus(rawValue: Doctor.exitStatus(checks))
  }

  static func lines(_ check: DoctorCheck, paint: Paint) -> [String] {
    let style: Paint.Style =
      switch check.verdict {
      case .ok: .good
      case .warn: .warning
      case .fail: .bad
      }
    let word = Display.padded(check.verdict.rawValue, 4)
    let fix = check.fix.map { ["      → \(Display.line($0))"] } ?? []
    return ["\(paint(style, word))  \(Display.line(check.name)): \(Display.line(check.detail))"] + fix
  }
}
