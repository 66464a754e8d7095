/// The exit statuses of `looop-fleet`, as the manual names them. Thrown where a command has said all it has to say.
struct ExitStatus: Error, Hashable, Sendable {
  let rawValue: Int32

  static let done = ExitStatus(rawValue: 0)
  static let refused = ExitStatus(rawValue: 1)
  static let notRunning = ExitStatus(rawValue: 3)
  static let alreadyAnswered = ExitStatus(rawValue: 4)
  static let noSuchAsk = ExitStatus(rawValue: 5)
  /// ArgumentParser's own (`EX_USAGE`).
  static let usage = ExitStatus(rawValue: 64)
}
