/// An ask as a person reads it, with the command that answers it.
package struct AskText: Sendable {
  private let ask: MailboxAsk

  package init(_ ask: MailboxAsk) { self.ask = ask }

  private func title(_ paint: Paint) -> String {
    var parts = [paint(.strong, Display.line("⚑ \(ask.id)"))]
    if let goal = ask.goal { parts.append("goal \(Display.line(goal, limit: 60))") }
    if let worker = ask.worker, !ask.askID.hasPrefix(worker) {
      parts.append("worker \(Display.line(worker, limit: 60))")
    }
    parts.append("\(Display.age(ask.ageSeconds)) old")
    if ask.irreversible { parts.append(paint(.bad, "irreversible")) }
    if ask.workerAlive == false { parts.append(paint(.warning, "its worker is gone")) }
    return parts.joined(separator: " · ")
  }

  /// What to type. The id is quoted for the shell where it must be.
  package var command: String {
    let text = ask.options.first.map { Display.line($0, limit: 60) } ?? "TEXT"
    return "looop-fleet answer \(Self.shellWord(Display.line(ask.id))) \(Self.shellWord(text))"
  }

  /// Two or three lines.
  package func summary(width: Int, paint: Paint) -> [String] {
    var lines = [title(paint), "  " + Display.line(ask.prompt, limit: max(20, width - 6))]
    let options =
      ask.options.isEmpty ? "" : "   (\(ask.options.map { Display.line($0, limit: 30) }.joined(separator: " | ")))"
    lines.append("  " + paint(.good, command) + options)
    return lines
  }

  /// Everything, the prompt whole.
  package func full(paint: Paint) -> [String] {
    var lines = [title(paint)]
    lines += Display.block(ask.prompt).map { "  " + $0 }
    if let reference = ask.reference { lines.append("  ref: \(Display.line(reference))") }
    if !ask.options.isEmpty {
      lines.append("  options: \(ask.options.map { Display.line($0, limit: 200) }.joined(separator: " | "))")
    }
    lines.append("  " + paint(.good, command))
    return lines
  }

  static func shellWord(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
        UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: ","), UInt8(ascii: "+"):
        true
      default: false
      }
    }
    return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
  }
}
