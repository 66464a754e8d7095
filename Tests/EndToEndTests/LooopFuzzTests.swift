import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import looop

/// Garbage on the command line: no crash, no hang, a word about it, nothing half written.
@Suite struct LooopFuzzTests {
  private static let pool = [
    "state", "asks", "answer", "goal", "write", "archive", "sensor", "add", "url", "playbook", "schedule", "list", "rm",
    "worker",
    "start", "kill", "told", "claim", "unclaim", "screenshot", "limits", "cost", "config", "bash", "help", "version",
    "_",
    "-", "--", "--json", "--force", "--help", "-h", "-", "", " ", "--in", "--every", "-5", "99999999999999999999", "1",
    "x",
    "../..", "/", ".hidden", "\u{1B}[2J", "a\nb", "é", "日本", "💥", "--journal", "--prompt", "--options", "--after",
    "--tenant",
    "'", "\"", "\\", "$(id)", "`id`", "--=x", "--json=1", "-a", "-zz", "--session", "s", "report", "--ref", "--note",
    "hold",
  ]

  @Test func `random command lines never crash and always answer`() throws {
    let home = try LooopHome(["LOOOP_FLEET_SOCKET": "/nonexistent/s"])
    var random = SeededGenerator(seed: 20_261_123)
    for _ in 0..<250 {
      let arguments = (0..<Int.random(in: 0...5, using: &random)).map { _ in
        Self.pool.randomElement(using: &random) ?? ""
      }
      let result = try home.looop(arguments, input: "some input", within: 20)
      guard case .code(let code) = result.reason else {
        Issue.record("\(arguments): \(result.reason) \(result.errors)")
        continue
      }
      #expect([0, 1, 2].contains(code), "\(arguments): \(code)")
      #expect(code == 0 || !result.errors.isEmpty || arguments.contains("hold"), "\(arguments) failed without a word")
      #expect(!result.errors.contains("Fatal error"), "\(arguments)")
    }
    let debris = home.scratch.names("goals") + home.scratch.names("sensors") + home.scratch.names("schedules")
    #expect(!debris.contains { $0.hasSuffix(".tmp") })
    #expect(!home.scratch.exists("../goals"))
  }

  @Test func `ten thousand command lines parse or are refused with a word`() {
    var random = SeededGenerator(seed: 42)
    for _ in 0..<10_000 {
      let words = (0..<Int.random(in: 0...6, using: &random)).map { _ in Self.pool.randomElement(using: &random) ?? "" }
      guard let invocation = try? Invocation(["looop"] + words) else { continue }
      _ = HotArguments(invocation.arguments, flags: ["--json", "--force"], options: ["--prompt", "--options"])
      do throws(Failure) {
        _ = try Entry.parse(invocation.arguments)
      } catch {
        #expect(!error.cause.isEmpty, "\(words)")
      }
    }
  }

  @Test func `bytes that are no text are refused, not stored`() throws {
    let home = try LooopHome()
    let result = try RunningProcess.shell(
      "printf 'a\\377b' | '\(BuiltProducts.looop)' goal write g", environment: home.environment)
    #expect(result.exitCode == 1)
    #expect(!home.scratch.exists("goals/g.md"))
  }
}
