import Tenant

/// A refusal or a failure of a sandbox operation, in words for the person who reads it.
struct SandboxError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The classes that callers tell apart.
  enum Code: String, Sendable {
    case invalidRequest = "invalid_request"
    case notFound = "not_found"
    case exists
    case foreignOwner = "foreign_owner"
    case unsupported
    case tampered
    case busy
    case conflict
    case noSpace = "no_space"
    case kept
    case hookFailed = "hook_failed"
    case failed
  }

  var code: Code
  var message: String
  var hint: String?

  init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  var description: String { message }

  var json: JSON {
    ["ok": false, "code": .string(code.rawValue), "message": .string(message), "hint": .optional(hint)]
  }

  /// Any error as one of ours; libgit2's and the system's get the hint that fits.
  init(_ error: any Error) {
    switch error {
    case let own as SandboxError: self = own
    case let git as GitError: self.init(git)
    case let host as HostError:
      self.init(host.errno == 28 || host.errno == 122 ? .noSpace : .failed, host.description)
    default: self.init(.failed, "\(error)")
    }
  }

  private init(_ error: GitError) {
    if error.isForeignOwner {
      self.init(
        .foreignOwner, "\(error.operation): the repository belongs to another user",
        hint: "as the tenant's user, if you trust it: git config --global --add safe.directory PATH")
    } else if error.message.lowercased().contains("no space left") || error.message.contains("quota exceeded") {
      self.init(.noSpace, error.description)
    } else {
      self.init(error.code == .notFound ? .notFound : .failed, error.description)
    }
  }
}
