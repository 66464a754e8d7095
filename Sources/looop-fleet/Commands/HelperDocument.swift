import Fleet
import Glibc
import Tenant

/// The form of every helper that the supervisor runs as a tenant: one request document on standard input, one answer on standard output.
enum HelperDocument {
  static func answer(_ body: (JSON) -> JSON) -> Never {
    let answer = request().flatMap { .success(body($0)) }
    let document =
      switch answer {
      case .success(let json): json
      case .failure(let failure): problem(failure.message)
      }
    Printer.standard.line(document.compact)
    exit(document["ok"]?.bool == true ? ExitStatus.done.rawValue : ExitStatus.refused.rawValue)
  }

  static func problem(_ message: String) -> JSON {
    ["ok": false, "code": "invalid_request", "message": .string(message), "hint": .null]
  }

  private struct Failure: Error {
    var message: String
  }

  private static func request() -> Result<JSON, Failure> {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return .failure(Failure(message: "the request cannot be read")) }
      if count == 0 { break }
      bytes += buffer[..<count]
      guard bytes.count <= HelperLimits.request else { return .failure(Failure(message: "the request is too large")) }
    }
    do throws(JSONError) {
      return .success(try JSON(parsing: bytes))
    } catch {
      return .failure(Failure(message: "the request is not JSON: \(error)"))
    }
  }
}
