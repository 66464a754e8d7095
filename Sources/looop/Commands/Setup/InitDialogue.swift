import Glibc
import Tenant

/// `init` in a terminal: a menu of runners, then both commands to edit. Nothing is written before it is over.
struct InitDialogue {
  struct Choice {
    var preset: Preset
    var tick: String
    var worker: String
  }

  static let placeholder = "{{prompt_file}}"

  let current: RunnerConfig

  /// `nil` where the user left.
  func run() throws(Failure) -> Choice? {
    guard let terminal = RawTerminal() else { return try plain() }
    guard let preset = menu(terminal) else { return nil }
    let ticks = preset.tickCommand ?? current.tickCommand ?? ""
    let workers = preset.workerCommand ?? current.workerCommand ?? ""
    guard
      let tick = edit(terminal, "tick command (decides, one short run)", ticks, { $0.isEmpty ? "say a command" : nil }),
      let worker = edit(
        terminal, "worker command (works, under a terminal)", workers,
        { $0.contains(Self.placeholder) ? nil : "it must hold \(Self.placeholder)" })
    else { return nil }
    return Choice(preset: preset, tick: tick, worker: worker)
  }

  private func menu(_ terminal: RawTerminal) -> Preset? {
    let presets = Preset.allCases
    let known = InitVerb.preset(of: current)
    let start = current.tickCommand == nil ? 0 : presets.firstIndex(of: known) ?? 0
    var menu = Menu(count: presets.count, selected: start)
    terminal.put("Which runner shall drive the loop?  (↑↓ choose, Enter take, Esc leave)\n\n")
    var outcome = Menu.Outcome.choosing
    repeat {
      for (index, preset) in presets.enumerated() {
        let mark = index == menu.selected ? "❯" : " "
        let name = TextWidth.pad(preset.rawValue, to: 10)
        let line = TextWidth.clip("\(mark) \(index + 1) \(name) \(preset.summary)", to: terminal.size.columns - 1)
        terminal.put("\r\u{1B}[2K\(index == menu.selected ? "\u{1B}[1m\(line)\u{1B}[0m" : line)\n")
      }
      outcome = menu.apply(terminal.nextKey())
      if outcome == .choosing { terminal.put("\u{1B}[\(presets.count)A") }
    } while outcome == .choosing
    terminal.put("\n")
    return outcome == .chosen ? presets[menu.selected] : nil
  }

  /// Asks again while `complaint` has one. An emptied line keeps what was there.
  private func edit(
    _ terminal: RawTerminal, _ title: String, _ text: String, _ complaint: (String) -> String?
  ) -> String? {
    terminal.put("\(title):\n")
    while true {
      var editor = LineEditor(text)
      var outcome = LineEditor.Outcome.editing
      repeat {
        let window = editor.window(columns: max(10, terminal.size.columns - 4))
        terminal.put("\r\u{1B}[2K> \(window.text)\r\u{1B}[\(window.column + 2)C")
        outcome = editor.apply(terminal.nextKey())
      } while outcome == .editing
      terminal.put("\n")
      if outcome == .aborted { return nil }
      let edited = editor.text.trimmed
      let chosen = edited.isEmpty ? text : edited
      guard let complaint = complaint(chosen) else {
        terminal.put("\n")
        return chosen
      }
      terminal.put("  \(complaint)\n")
    }
  }

  /// Where the terminal cannot be switched to raw: numbered questions, one line each.
  private func plain() throws(Failure) -> Choice? {
    let presets = Preset.allCases
    for (index, preset) in presets.enumerated() {
      Self.say("  \(index + 1) \(TextWidth.pad(preset.rawValue, to: 10)) \(preset.summary)\n")
    }
    Self.say("Which runner? [1] ")
    guard let answer = readLine() else { return nil }
    let number = answer.trimmed.isEmpty ? 1 : Int(answer.trimmed) ?? 0
    guard presets.indices.contains(number - 1) else { throw Failure("no runner \(answer)") }
    let preset = presets[number - 1]
    let tick = preset.tickCommand ?? current.tickCommand ?? ""
    let worker = preset.workerCommand ?? current.workerCommand ?? ""
    Self.say("tick command [\(tick)]: ")
    guard let chosenTick = readLine()?.trimmed else { return nil }
    Self.say("worker command [\(worker)]: ")
    guard let chosenWorker = readLine()?.trimmed else { return nil }
    return Choice(
      preset: preset, tick: chosenTick.isEmpty ? tick : chosenTick,
      worker: chosenWorker.isEmpty ? worker : chosenWorker)
  }

  private static func say(_ text: String) {
    Printer(format: .human, environment: HostEnvironment([:])).write(text)
  }
}
