import Glibc
import Tenant

/// The body of a goal, an answer, a prompt: the words of the command line, or standard input.
enum BodyText {
  /// More than any body is meant to be; a runaway pipe must not eat the machine's memory.
  static let maximumBytes = 16 << 20

  /// No words, or a lone `-`, mean standard input. `a - b` keeps its dash.
  static func usesInput(_ words: [String]) -> Bool { words.isEmpty || words == ["-"] }

  static func read(_ words: [String]) throws(Failure) -> String {
    usesInput(words) ? try standardInput() : words.joined(separator: " ")
  }

  static func standardInput() throws(Failure) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = buffer.withUnsafeMutableBytes { Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw Failure("cannot read standard input: \(HostError.last("read"))")
      }
      if count == 0 { break }
      bytes.append(contentsOf: buffer[..<count])
      guard bytes.count <= maximumBytes else {
        throw Failure("standard input is larger than \(maximumBytes >> 20) MiB")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure("standard input is not UTF-8 text")
    }
    return text
  }
}

extension String {
  /// Without white space at the end, as answers are stored.
  var trimmedEnd: String {
    var text = self[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  var trimmed: String { String(trimmedEnd.drop(while: \.isWhitespace)) }
}
