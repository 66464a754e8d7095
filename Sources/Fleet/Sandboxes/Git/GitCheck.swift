import CGit2

/// Turns a libgit2 status into an error. The error text is per thread and overwritten by the next call, so this is called
/// on the very status, before anything else.
@discardableResult
func check(_ operation: @autoclosure () -> String, _ status: CInt) throws(GitError) -> CInt {
  guard status < 0 else { return status }
  var message = "libgit2 gave no reason"
  if let last = unsafe git_error_last(), let text = unsafe last.pointee.message {
    message = unsafe String(cString: text)
  }
  throw GitError(GitError.Code(rawValue: status), operation(), message)
}
