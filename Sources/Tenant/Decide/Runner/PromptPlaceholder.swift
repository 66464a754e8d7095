import SystemPackage

/// `{{prompt_file}}` in a command, of deciders and of workers: replaced by the path, quoted for the place where it stands.
enum PromptPlaceholder {
  static let text = "{{prompt_file}}"

  static func isIn(_ command: String) -> Bool { command.firstRange(ofText: text) != nil }

  private enum Context { case plain, single, double, substitution, backtick }

  /// Follows the shell's quoting: inside of quotes they are closed around the path and opened again.
  static func substitute(_ path: FilePath, in command: String) -> String {
    let quoted = path.string.shellWord
    let bytes = Array(command.utf8)
    let needle = Array(text.utf8)
    var out: [UInt8] = []
    var stack: [Context] = []
    var index = 0
    while index < bytes.count {
      let context = stack.last ?? .plain
      if bytes[index] == needle[0], bytes[index...].starts(with: needle) {
        switch context {
        case .plain, .substitution, .backtick: out += quoted.utf8
        case .single: out += "'\(quoted)'".utf8
        case .double: out += "\"\(quoted)\"".utf8
        }
        index += needle.count
        continue
      }
      if bytes[index] == UInt8(ascii: "\\"), context != .single, index + 1 < bytes.count {
        out += bytes[index...(index + 1)]
        index += 2
        continue
      }
      step(bytes, index, context, &stack)
      out.append(bytes[index])
      index += 1
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func step(_ bytes: [UInt8], _ index: Int, _ context: Context, _ stack: inout [Context]) {
    switch (bytes[index], context) {
    case (UInt8(ascii: "'"), .single), (UInt8(ascii: "\""), .double), (UInt8(ascii: "`"), .backtick),
      (UInt8(ascii: ")"), .substitution):
      stack.removeLast()
    case (_, .single): break
    case (UInt8(ascii: "`"), _): stack.append(.backtick)
    case (UInt8(ascii: "("), .double):
      if index > 0, bytes[index - 1] == UInt8(ascii: "$") { stack.append(.substitution) }
    case (UInt8(ascii: "("), _): stack.append(.substitution)
    case (UInt8(ascii: "'"), .plain), (UInt8(ascii: "'"), .substitution), (UInt8(ascii: "'"), .backtick):
      stack.append(.single)
    case (UInt8(ascii: "\""), _): stack.append(.double)
    default: break
    }
  }
}
