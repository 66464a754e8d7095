/// The prompt of one decision. Ordered from stable to volatile, so that a provider's prompt cache hits: two builds of one world
/// are the same bytes up to `=== NOW ===`.
///
/// Whatever comes from outside is bounded, and no line of it can look like a header of ours.
package struct Prompt: Hashable, Sendable {
  package var text: String
  /// Sections that did not fit, for a warning: `goals: 3 omitted`.
  package var omissions: [String]

  private static let maximumPlaybook = 16384
  private static let maximumGoal = 8192
  private static let maximumText = 2048
  private static let maximumCommand = 512
  private static let maximumJournalLine = 500
  private static let maximumValue = 240
  private static let maximumChanges = 200
  private static let maximumLines = 50

  package static func build(_ input: PromptInput) -> Prompt {
    let head = [
      PromptText.preamble(dataDir: oneLine(input.dataDir)),
      section("CONSTITUTION (immutable — overrides PLAYBOOK)", PromptText.constitution),
      section("PLAYBOOK", input.playbook.map { body($0, maximumPlaybook) } ?? "(no PLAYBOOK.md)"),
    ]
    let tail = volatile(input)
    let now = section("NOW", "Current local time: \(input.localTime).\n\(PromptText.final)")
    var room = Room(input.maximumBytes, fixed: head + tail + [now])
    var omissions: [String] = []

    var lists: [String] = []
    lists.append(
      section(
        "GOALS",
        room.list(
          input.goals.map { "--- \(oneLine($0.id)).md\n\(body($0.body, maximumGoal))" }, noun: "goals",
          empty: "(no goals yet)", &omissions)))
    lists.append(
      section(
        "SENSOR READINGS",
        room.list(
          input.readings.filter { $0.stem.hasPrefix("sensor-") || $0.stem.hasPrefix("sys-") }
            .map { "--- \(oneLine($0.stem)).json\n\(body($0.text, .max))" }, noun: "readings", empty: "(no readings)",
          &omissions)))
    lists.append(
      section(
        "PENDING ASKS (waiting on the human — not yours to answer)",
        room.list(input.asks.map(ask), noun: "asks", empty: "(none)", &omissions)))
    return Prompt(text: (head + lists + tail + [now]).joined(separator: "\n\n") + "\n", omissions: omissions)
  }

  private static func volatile(_ input: PromptInput) -> [String] {
    var parts: [String] = []
    if !input.goals.isEmpty, let goal = input.stalestGoal {
      parts.append(
        section("FAIRNESS (computed by looop)", "The goal that was acted on longest ago is \"\(oneLine(goal))\"."))
    }
    let journal = input.journal.suffix(20).map { body(oneLine($0), maximumJournalLine) }
    parts.append(section("RECENT JOURNAL", journal.isEmpty ? "(empty)" : journal.joined(separator: "\n")))
    if let changes = input.changes {
      parts.append(section("WHAT CHANGED (since your last decision — computed by looop)", self.changes(changes)))
    }
    if let shell = input.shell {
      let output = shell.output.allSatisfy(\.isWhitespace) ? "(no output)" : body(shell.output, maximumText)
      parts.append(
        section(
          "RUN_SHELL OUTPUT (your previous move — shown once)",
          "\(body("$ " + shell.command, maximumCommand))\n(exit \(shell.exitCode))\n\(output)"))
    }
    if !input.parked.isEmpty {
      parts.append(
        section("PARKED MOVES (irreversible — each waits for the human's yes; go on with others)", lines(input.parked)))
    }
    if !input.refused.isEmpty {
      parts.append(section("REFUSED MOVES (the human said no — do not propose them again)", lines(input.refused)))
    }
    if !input.flapping.isEmpty {
      parts.append(section("FLAPPING SENSORS (defeating the skip gate — fix the cause)", lines(input.flapping)))
    }
    if let failure = input.failure {
      parts.append(
        section(
          "LAST FAILURE (your previous attempt — do not repeat it)",
          """
          \(body(oneLine(failure.code), 100)), failure \(failure.fails) in a row, \(failure.ageSeconds) s ago
          \(body(failure.error, maximumText))
          """))
    }
    if let limits = input.limits {
      parts.append(
        section("LIMITS (what is left; a move that starts a worker spends too)", body(limits.compact, maximumText)))
    }
    return parts
  }

  private static func ask(_ ask: PromptInput.PendingAsk) -> String {
    let state =
      if ask.gatesMove {
        "GATE — one of your own moves waits for it"
      } else if ask.worker == ReservedWorkers.setup {
        "SETUP — the loop's first question; no worker waits for it"
      } else if ask.live {
        "LIVE — a running worker waits for the answer"
      } else {
        "STRANDED — its worker is gone"
      }
    var text = "--- \(oneLine(ask.id)) (worker \(oneLine(ask.worker)) — \(state))\n\(body(ask.prompt, maximumText))"
    if let reference = ask.reference { text += "\nreference: \(body(oneLine(reference), maximumText))" }
    if !ask.options.isEmpty {
      text += "\noptions: \(body(oneLine(ask.options.joined(separator: ", ")), maximumText))"
    }
    return text
  }

  private static func changes(_ changes: [String]) -> String {
    guard !changes.isEmpty else { return "(nothing: this decision was asked for although the world is the same)" }
    var shown = changes.prefix(maximumChanges).map { body(oneLine($0), maximumValue * 2 + 100) }
    if changes.count > maximumChanges { shown.append("(… \(changes.count - maximumChanges) more changes omitted)") }
    return shown.joined(separator: "\n")
  }

  private static func lines(_ lines: [String]) -> String {
    var shown = lines.prefix(maximumLines).map { body(oneLine($0), maximumText) }
    if lines.count > maximumLines { shown.append("(… \(lines.count - maximumLines) more)") }
    return shown.joined(separator: "\n")
  }

  private static func section(_ title: String, _ text: String) -> String { "=== \(title) ===\n\(text)" }

  /// A text from outside: clipped, and with every line that looks like a header of ours made harmless.
  static func body(_ text: String, _ maximum: Int) -> String {
    let clipped = maximum == .max ? text : Rendering.clip(text, maximum)
    var out = ""
    out.reserveCapacity(clipped.utf8.count + 16)
    var atStart = true
    var index = clipped.unicodeScalars.startIndex
    let scalars = clipped.unicodeScalars
    while index < scalars.endIndex {
      if atStart, let marker = scalars[index...].first, marker == "=" || marker == "-",
        scalars[index...].prefix(3).elementsEqual([marker, marker, marker])
      {
        out.unicodeScalars.append("\\")
      }
      atStart = breaksLine(scalars[index])
      out.unicodeScalars.append(scalars[index])
      index = scalars.index(after: index)
    }
    while let last = out.unicodeScalars.last, last == "\n" || last == "\r" { out.unicodeScalars.removeLast() }
    return out
  }

  /// An id or a short value: one line, whatever it holds.
  static func oneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { breaksLine($0) || $0.properties.generalCategory == .control }) else {
      return text
    }
    var out = ""
    for scalar in text.unicodeScalars {
      let plain = !breaksLine(scalar) && scalar.properties.generalCategory != .control
      out.unicodeScalars.append(plain ? scalar : " ")
    }
    return out
  }

  /// Everything that some reader takes for the end of a line.
  private static func breaksLine(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A...0x0D, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }
}

/// How many bytes the lists may still take.
private struct Room {
  private var left: Int

  /// What the fixed sections take is rounded up: a failure's age must not move the place where a list is cut.
  private static let grain = 4096
  /// Headers of the lists, and the lines that say what is missing.
  private static let markers = 512

  init(_ maximum: Int, fixed: [String]) {
    guard maximum > 0 else {
      left = .max
      return
    }
    let used = fixed.reduce(Self.markers) { $0 + $1.utf8.count + 2 }
    left = max(0, maximum - (used + Self.grain - 1) / Self.grain * Self.grain)
  }

  /// Takes items until the first that does not fit, and says how many are missing.
  mutating func list(_ items: [String], noun: String, empty: String, _ omissions: inout [String]) -> String {
    guard !items.isEmpty else { return empty }
    var shown: [String] = []
    for item in items {
      let size = item.utf8.count + 1
      guard size <= left else { break }
      left -= size
      shown.append(item)
    }
    let missing = items.count - shown.count
    if missing > 0 {
      omissions.append("\(noun): \(missing) omitted")
      shown.append("(section truncated: \(missing) \(noun) omitted, LOOOP_PROMPT_MAX_BYTES is reached)")
    }
    return shown.joined(separator: "\n")
  }
}
