import ArgumentParser
import Glibc
import Tenant

/// `worker list`: who works, who waits, who is stuck.
struct WorkerList: Verb {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the pulse and the workers.", aliases: ["ls"])

  @Flag(help: "One JSON array.") var json = false
  @Flag(name: .shortAndLong, help: "Ended workers too.") var all = false
  @Flag(name: .shortAndLong, help: "Repaint until ^C.") var watch = false
  @Option(help: "With --watch: seconds between two looks (default 2).") var interval: Int?

  func validate() throws {
    if json, watch { throw ValidationError("--json and --watch exclude each other") }
    if interval != nil, !watch { throw ValidationError("--interval needs --watch") }
    if let interval, interval < 1 { throw ValidationError("--interval must be at least 1") }
  }

  mutating func perform(in context: Context) throws -> Int32 {
    if watch { return try repaint(context) }
    let table = try WorkersTable.read(context, all: all)
    if json {
      context.printer.json(table.json)
    } else {
      let columns = context.printer.isTerminal ? context.printer.width : 1000
      context.printer.line(table.lines(columns: columns).joined(separator: "\n"))
    }
    return ExitStatus.done
  }

  /// Paints over the last picture: up by its lines, each line cleared to its end, what is left below cleared too.
  private func repaint(_ context: Context) throws -> Int32 {
    var painted = 0
    while true {
      let lines = try WorkersTable.read(context, all: all).lines(columns: context.printer.width)
      var picture = painted > 0 && context.printer.isTerminal ? "\u{1B}[\(painted)A" : ""
      for line in lines { picture += context.printer.isTerminal ? "\(line)\u{1B}[K\n" : "\(line)\n" }
      if context.printer.isTerminal { picture += "\u{1B}[J" }
      context.printer.write(picture)
      painted = lines.count
      sleep(UInt32(interval ?? 2))
    }
  }
}
