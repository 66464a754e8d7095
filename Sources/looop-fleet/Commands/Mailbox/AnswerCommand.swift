import ArgumentParser
import Fleet
import Glibc
import Tenant

struct AnswerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "answer", abstract: "Answer an ask. The first answer wins.",
    discussion: "Exit status 4: it was answered before; 5: there is no such ask.")

  @Argument(help: "The ask, as `asks` names it: TENANT/ASK.") var ask: TenantScopedID
  @Argument(help: "The answer; `-` reads it from standard input.") var text: [String]
  @OptionGroup var common: CommonOptions

  func run() async throws {
    if let refusal = GateAnswer.refusal(ask.id, in: .current()) {
      throw FleetRefusal(.permissionDenied, refusal.cause, hint: refusal.hint)
    }
    let text = try text == ["-"] ? Self.standardInput() : text.joined(separator: " ")
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw FleetRefusal(.invalidArgument, "the answer is empty", hint: "looop-fleet answer \(ask.description) TEXT")
    }
    _ = try await common.client().post("/v1/asks/\(ask.path)/answer", ["text": .string(text)])
    Printer.standard.line("\(ask.description): answered")
  }

  /// An answer is at most this long; the socket takes no more.
  private static let maximumBytes = 60 << 10

  static func standardInput() throws -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 8192)
    while true {
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw HostError.last("read the answer from standard input") }
      if count == 0 { break }
      bytes += buffer[..<count]
      guard bytes.count <= maximumBytes else {
        throw FleetRefusal(
          .tooLarge, "the answer is longer than \(maximumBytes) bytes", hint: "point to a file instead")
      }
    }
    var text = String(decoding: bytes, as: UTF8.self)
    // The newline that `echo` adds is not part of the answer.
    if text.hasSuffix("\n") { text.removeLast() }
    return text
  }
}
