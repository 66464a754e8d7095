import Fleet
import Glibc
import Tenant

/// `_sandbox VERB`: one request document on standard input, one answer on standard output. The supervisor runs it as the tenant's
/// user; a person never does.
enum SandboxHelper {
  /// A request names paths and ids, and may bring along how a repository's every ref stood.
  private static let maximumBytes = 16 << 20

  static func run(_ arguments: [String]) -> Never {
    let answer = self.answer(arguments)
    Printer.standard.line(answer.compact)
    exit(answer["ok"]?.bool == true ? ExitStatus.done.rawValue : ExitStatus.refused.rawValue)
  }

  private static func answer(_ arguments: [String]) -> JSON {
    guard arguments.count == 1, let verb = arguments.first else { return problem("one verb is expected") }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return problem("the request cannot be read") }
      if count == 0 { break }
      bytes += buffer[..<count]
      guard bytes.count <= maximumBytes else { return problem("the request is too large") }
    }
    do throws(JSONError) {
      return SandboxVerb.run(verb, request: try JSON(parsing: bytes))
    } catch {
      return problem("the request is not JSON: \(error)")
    }
  }

  private static func problem(_ message: String) -> JSON {
    ["ok": false, "code": "invalid_argument", "message": .string(message), "hint": .null]
  }
}
