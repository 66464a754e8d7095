import Tenant
import Testing

@testable import Fleet

@Suite struct HelperRunTests {
  static let words: [(errors: String, description: String, hint: String?)] = [
    ("looop: no such worker\nhint: list them: looop worker list\n", "no such worker", "list them: looop worker list"),
    ("a warning\nlooop: broken\n", "broken", nil),
    ("hint: of something earlier\nlooop: broken\n\n", "broken", nil),
    ("looop: \u{1B}[31mred\nhint: \u{7}bell\n", " [31mred", " bell"),
    ("", "exit code 1", nil),
    ("hint: alone\n", "exit code 1", "alone"),
  ]

  @Test(arguments: words)
  func `a helper's failure keeps what it said to do`(errors: String, description: String, hint: String?) async {
    let script = "printf %s \(errors.shellWord) >&2; exit 1"
    let run = HelperRun(spawn: Spawn.shell(script, environment: HostEnvironment([:]), directory: nil))
    guard case .failure(let failure) = await run.run() else {
      Issue.record("it succeeded")
      return
    }
    #expect(failure.description == description)
    #expect(failure.hint == hint && failure.code == 1)
    #expect(failure.words == (hint.map { "\(description) (\($0))" } ?? description))
  }
}
