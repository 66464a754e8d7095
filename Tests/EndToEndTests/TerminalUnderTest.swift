import SystemPackage
import Tenant
import TestSupport

/// A program in a terminal of tmux, seen by its screen and driven by its keys. The terminal goes with the last reference.
final class TerminalUnderTest: Sendable {
  private let socket: String

  init(
    _ scratch: ScratchDirectory, environment: [String: String], command: String, columns: Int = 100, rows: Int = 24
  ) throws {
    socket = scratch.appending("tmux").string
    let settings = environment.map { ["-e", "\($0.key)=\($0.value)"] }.flatMap(\.self)
    // tmux takes `PATH` from its client, whatever `-e` says.
    try tmux(["new-session", "-d", "-x", "\(columns)", "-y", "\(rows)"] + settings + [command], environment)
  }

  deinit { _ = try? tmux(["kill-server"]) }

  @discardableResult
  private func tmux(_ arguments: [String], _ environment: [String: String] = [:]) throws -> String {
    try RunningProcess.run(
      "/usr/bin/tmux", ["-S", socket, "-f", "/dev/null"] + arguments,
      environment: environment.merging(["TERM": "xterm"]) { _, new in new }
    ).output
  }

  func text() throws -> String { try tmux(["capture-pane", "-p"]) }
  /// With the colours' escape sequences.
  func colouredText() throws -> String { try tmux(["capture-pane", "-p", "-e"]) }
  /// Texts, and names of keys such as `Enter`.
  func type(_ keys: String...) throws { try tmux(["send-keys"] + keys) }
  func resize(columns: Int, rows: Int) throws {
    try tmux(["resize-window", "-x", "\(columns)", "-y", "\(rows)"])
  }
}
