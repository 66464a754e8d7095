/// What `looop` exits with. A usage error is 1, not the parser's usual 64: scripts written for looop 1.0 test for it.
enum ExitStatus {
  static let done: Int32 = 0
  /// Any error or refusal, a wrong argument included.
  static let failure: Int32 = 1
  /// `wait` woke because no pulse runs.
  static let pulseDown: Int32 = 2
  /// `HOME` is needed and not set.
  static let noHome: Int32 = 2
  /// `init` was left with Esc or ^C.
  static let aborted: Int32 = 130
}

/// An error for the user: what failed and why, and what to do about it.
struct Failure: Error, Hashable, CustomStringConvertible {
  var cause: String
  var hint: String?
  var status: Int32

  init(_ cause: String, hint: String? = nil, status: Int32 = ExitStatus.failure) {
    self.cause = cause
    self.hint = hint
    self.status = status
  }

  var description: String { cause }

  /// For wherever everything was said already.
  static func silent(_ status: Int32) -> Failure { Failure("", status: status) }
}
