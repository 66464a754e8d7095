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

  /// Half of the lines begin so: pure chance hardly ever writes anything.
  private static let beginnings = [
    "goal write", "sensor write", "schedule write", "playbook write", "goal archive", "answer setup-1", "answer",
    "schedule write x --in 5", "schedule write s --every 60", "goal write x", "sensor write s --journal",
  ].map { $0.split(separator: " ").map(String.init) }

  @Test func `random command lines never crash and always answer`() throws {
    let home = try LooopHome(["LOOOP_FLEET_SOCKET": "/nonexistent/s"])
    var random = SeededGenerator(seed: 20_261_123)
    for round in 0..<400 {
      let words = (0..<Int.random(in: 0...5, using: &random)).map { _ in
        Self.pool.randomElement(using: &random) ?? ""
      }
      let arguments = (round.isMultiple(of: 2) ? [] : Self.beginnings.randomElement(using: &random) ?? []) + words
      let result = try home.looop(arguments, input: "some input", within: 20)
      guard case .code(let code) = result.reason else {
        Issue.record("\(arguments): \(result.reason) \(result.errors)")
        continue
      }
      #expect([0, 1, 2].contains(code), "\(arguments): \(code)")
      #expect(code == 0 || !result.errors.isEmpty || arguments.contains("hold"), "\(arguments) failed without a word")
      #expect(!result.errors.contains("Fatal error"), "\(arguments)")
    }
    #expect(!home.scratch.exists("../goals"))
    var files = 0
    try each(home.scratch.path) { path in
      files += 1
      let name = path.lastComponent?.string ?? ""
      #expect(!name.contains(".tmp"), "\(path)")
      guard case .contents(let bytes) = FileReading.of(path) else { return }
      if name.hasSuffix(".json") { #expect((try? JSON(parsing: bytes)) != nil, "\(path)") }
      if name.hasSuffix(".md") || name.hasSuffix(".sh") { #expect(bytes.last == 0x0A, "\(path)") }
    }
    #expect(files > 20, "the verbs have written something")
  }

  private func each(_ directory: FilePath, _ body: (FilePath) throws -> Void) throws {
    for name in try Directory.names(directory, includingHidden: true) {
      let path = directory.appending(name)
      if Directory.exists(path) { try each(path, body) } else { try body(path) }
    }
  }

  @Test func `a write that is killed leaves the old text or the new one, never half of one`() throws {
    let home = try LooopHome()
    var random = SeededGenerator(seed: 7)
    var seen: Set<String> = []
    for round in 1...40 {
      // The goal's text is its round's number, in so many digits.
      let run = try RunningProcess.shell(
        """
        printf '%0300000d' \(round) | '\(BuiltProducts.looop)' goal write g - >/dev/null 2>&1 &
        sleep 0.0\(Int.random(in: 10...60, using: &random)); kill -9 $! 2>/dev/null; wait
        """, environment: home.environment)
      #expect(run.reason == .code(0))
      guard let text = home.scratch.read("goals/g.md") else { continue }
      #expect(text.utf8.count == 300_001 && text.hasSuffix("\n"))
      #expect(text.allSatisfy { $0.isNumber || $0 == "\n" })
      seen.insert(String(text.suffix(4)))
    }
    #expect(seen.count > 1, "some were written")
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
