import CGit2

/// What libgit2 refused: its code, its own words, and what we were doing.
struct GitError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Callers match the code, never the text.
  struct Code: RawRepresentable, Hashable, Sendable {
    let rawValue: Int32
    init(rawValue: Int32) { self.rawValue = rawValue }

    static let failed = Code(rawValue: GIT_ERROR.rawValue)
    static let notFound = Code(rawValue: GIT_ENOTFOUND.rawValue)
    static let exists = Code(rawValue: GIT_EEXISTS.rawValue)
    static let ambiguous = Code(rawValue: GIT_EAMBIGUOUS.rawValue)
    static let unbornBranch = Code(rawValue: GIT_EUNBORNBRANCH.rawValue)
    static let invalidSpec = Code(rawValue: GIT_EINVALIDSPEC.rawValue)
    static let conflict = Code(rawValue: GIT_ECONFLICT.rawValue)
    static let locked = Code(rawValue: GIT_ELOCKED.rawValue)
    static let modified = Code(rawValue: GIT_EMODIFIED.rawValue)
    static let owner = Code(rawValue: GIT_EOWNER.rawValue)
  }

  var code: Code
  var operation: String
  var message: String

  init(_ code: Code, _ operation: String, _ message: String) {
    self.code = code
    self.operation = operation
    self.message = message
  }

  var description: String { "cannot \(operation): \(message)" }

  /// The repository belongs to another user. libgit2 1.5 says so only by failing to read `safe.directory`.
  var isForeignOwner: Bool { code == .owner || message.contains("safe.directory") }
}
