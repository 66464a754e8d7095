import CGit2
import SystemPackage

/// A list of patterns as git reads them (`*.env`, `config/`, `!not-this`).
@safe
struct Pathspec: ~Copyable {
  // SAFETY: valid from init to deinit.
  private let pointer: OpaquePointer

  init(_ patterns: [String]) throws(GitError) {
    try GitRuntime.start()
    var handle: OpaquePointer?
    var copies: [UnsafeMutablePointer<CChar>?] = unsafe patterns.map { pattern in
      let bytes = Array(pattern.utf8CString)
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
      unsafe copy.initialize(from: bytes, count: bytes.count)
      return unsafe copy
    }
    defer { unsafe copies.forEach { copy in unsafe copy?.deallocate() } }
    let count = patterns.count
    let status = unsafe copies.withUnsafeMutableBufferPointer { buffer in
      var list = unsafe git_strarray(strings: buffer.baseAddress, count: count)
      return unsafe git_pathspec_new(&handle, &list)
    }
    try check("read patterns", status)
    unsafe pointer = handle!
  }

  deinit { unsafe git_pathspec_free(pointer) }

  func matches(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString {
      unsafe git_pathspec_matches_path(pointer, GIT_PATHSPEC_DEFAULT.rawValue, $0) == 1
    }
  }
}
