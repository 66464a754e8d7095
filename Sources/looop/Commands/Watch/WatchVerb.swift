import ArgumentParser
import Glibc
import SystemPackage
import Tenant

/// `watch`: the loop and its workers in a terminal, read-only.
struct WatchVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Look at the loop and its workers (read-only).",
    discussion: """
      ↑↓ select · ^P ^N line · ^U ^D half a page · ^B ^F page · g top · G follow · Tab living or all · q quit.
      The mouse works too: wheel, click on a row, drag the bar.
      """)

  @Argument(help: "The session to begin with (default: pulse).", completion: Completions.sessions) var id: String?
  @Flag(name: .shortAndLong, help: "List ended workers too.") var all = false
  @Option(name: .shortAndLong, help: "List those that ended within that time (90, 45s, 30m, 12h, 1d).") var since:
    String?

  func validate() throws {
    if all, since != nil { throw ValidationError("--all and --since exclude each other") }
    if let since, Self.seconds(since) == nil {
      throw ValidationError("--since wants a time such as 90, 45s, 30m, 12h or 1d, not \"\(since)\"")
    }
  }

  static let refreshMilliseconds = 250

  mutating func perform(in context: Context) throws -> Int32 {
    if let id, id != Session.pulse, Sessions.find(id, in: context.data) == nil {
      throw Failure("no such session: \(id)", hint: "looop worker list --all shows all")
    }
    guard let terminal = RawTerminal() else {
      throw Failure("watch needs a terminal", hint: "looop worker list, looop screenshot ID and looop state do not")
    }
    terminal.enable("1049")
    terminal.enable("1002")
    terminal.enable("1006")
    terminal.put("\u{1B}[?25l")
    defer {
      terminal.put("\u{1B}[?25h")
      terminal.restore()
    }
    let filter: WatchModel.Filter = all ? .all : since.flatMap(Self.seconds).map(WatchModel.Filter.recent) ?? .living
    WatchLoop(context, terminal, WatchModel(selected: id, filter: filter)).run()
    return ExitStatus.done
  }

  /// A number, alone or with s, m, h or d.
  static func seconds(_ text: String) -> Int64? {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    guard let last = text.last else { return nil }
    let digits = units[last] == nil ? text[...] : text.dropLast()
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int64(digits) else {
      return nil
    }
    let (seconds, overflow) = number.multipliedReportingOverflow(by: units[last] ?? 1)
    return overflow ? nil : seconds
  }
}

/// The effects of `watch`: looks at the sessions four times a second, reads keys, paints what changed.
final class WatchLoop {
  private let context: Context
  private let terminal: RawTerminal
  private var model: WatchModel
  private var log: WatchLog
  /// Whose log that is: another process under the same name has another log.
  private var logOwner = ""
  private var painted: [String] = []
  private var sessions: [Session] = []

  init(_ context: Context, _ terminal: RawTerminal, _ model: WatchModel) {
    self.context = context
    self.terminal = terminal
    self.model = model
    log = WatchLog(context.data.session(model.selected).appending("output.log"))
  }

  func run() {
    var nextLook = 0.0
    while true {
      let now = context.clock.monotonic()
      if now >= nextLook {
        look()
        nextLook = now + Double(WatchVerb.refreshMilliseconds) / 1000
      }
      let isBehind = log.advance()
      model.lines = log.lines
      paint()
      let pause = isBehind ? 0 : max(1, Int((nextLook - context.clock.monotonic()) * 1000))
      if let key = terminal.key(milliseconds: pause) {
        let before = (model.selected, model.filter)
        if model.apply(key) { return }
        if before.1 != model.filter { look() }
        if before.0 != model.selected { follow() }
      }
    }
  }

  private func look() {
    // A directory that cannot be listed shows the last list.
    sessions = (try? Sessions.list(context.data)) ?? sessions
    let now = context.clock.now
    let pending = Asks(context.data).pending().asks
    let workers = SessionSummaries.workers(context.data, sessions: sessions, pending: pending, now: now)
    (model.rows, model.columns) = terminal.size
    let ended = Dictionary(
      sessions.compactMap { session in session.lastChange.map { (session.id, $0) } },
      uniquingKeysWith: { _, last in last })
    let pulse = SessionSummaries.pulse(context.data, sessions: sessions, now: now)
    model.update([pulse] + workers, ended: ended, now: now)
    follow()
  }

  private func follow() {
    let owner = sessions.first { $0.id == model.selected }.map { "\($0.id) \($0.holder) \($0.startedAt ?? 0)" }
    guard let owner = owner ?? (logOwner.isEmpty ? model.selected : nil) ?? otherName, owner != logOwner else { return }
    logOwner = owner
    log = WatchLog(context.data.session(model.selected).appending("output.log"))
  }

  /// The selected session has no record: its name alone says whose log it is.
  private var otherName: String? { logOwner.hasPrefix("\(model.selected) ") ? nil : model.selected }

  /// Writes the rows that differ from what stands there.
  private func paint() {
    let log = log
    let rows = WatchPicture(model: model, line: { log.line($0, columns: $1) }).rows()
    if painted.count != rows.count {
      terminal.put("\u{1B}[2J")
      painted = Array(repeating: "", count: rows.count)
    }
    var out = ""
    for (index, row) in rows.enumerated() where row != painted[index] {
      out += "\u{1B}[\(index + 1);1H\u{1B}[0m\u{1B}[2K" + row
    }
    painted = rows
    if !out.isEmpty { terminal.put(out) }
  }
}
