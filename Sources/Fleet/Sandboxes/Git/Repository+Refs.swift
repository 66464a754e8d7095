import CGit2
import Glibc

/// A ref and the object that it names in the end.
struct GitReference: Hashable, Sendable {
  var name: String
  var target: ObjectID
}

/// Where HEAD stands.
enum GitHead: Hashable, Sendable {
  case branch(String, ObjectID)
  /// The branch has no commit yet (or was deleted under the worktree).
  case unborn(String)
  case detached(ObjectID)

  var commit: ObjectID? {
    switch self {
    case .branch(_, let id), .detached(let id): id
    case .unborn: nil
    }
  }
}

extension Repository {
  func head() throws(GitError) -> GitHead {
    var reference: OpaquePointer?
    try check("read HEAD", unsafe git_reference_lookup(&reference, pointer, "HEAD"))
    defer { unsafe git_reference_free(reference) }
    if let symbolic = unsafe git_reference_symbolic_target(reference) {
      let branch = unsafe String(cString: symbolic)
      if let id = try target(of: branch) { return .branch(branch, id) }
      return .unborn(branch)
    }
    guard let id = unsafe ObjectID(git_reference_target(reference)) else {
      throw GitError(.failed, "read HEAD", "it names nothing")
    }
    return .detached(id)
  }

  /// What a ref names in the end, or `nil` where there is no such ref.
  func target(of name: String) throws(GitError) -> ObjectID? {
    var raw = git_oid()
    let status = unsafe git_reference_name_to_id(&raw, pointer, name)
    if status == GIT_ENOTFOUND.rawValue { return nil }
    try check("read \(name)", status)
    return ObjectID(raw)
  }

  /// All refs whose name matches the pattern, direct ones only; a broken ref is left out, as `git for-each-ref` does.
  func references(matching pattern: String = "refs/*") throws(GitError) -> [GitReference] {
    var iterator: OpaquePointer?
    try check("list refs", unsafe git_reference_iterator_glob_new(&iterator, pointer, pattern))
    defer { unsafe git_reference_iterator_free(iterator) }
    var found: [GitReference] = []
    while true {
      var reference: OpaquePointer?
      let status = unsafe git_reference_next(&reference, iterator)
      if status == GIT_ITEROVER.rawValue { break }
      // A ref that vanished or is half written while we list is somebody else's move, not an error of the list.
      if status < 0 { if status == GIT_ENOTFOUND.rawValue { continue } else { try check("list refs", status) } }
      defer { unsafe git_reference_free(reference) }
      if unsafe git_reference_type(reference) == GIT_REFERENCE_DIRECT,
        let id = unsafe ObjectID(git_reference_target(reference))
      {
        found.append(GitReference(name: unsafe String(cString: git_reference_name(reference)), target: id))
      }
    }
    return found
  }

  /// Creates a ref that must not exist (`code == .exists` otherwise).
  func createReference(_ name: String, at id: ObjectID, message: String) throws(GitError) {
    try retryingLocks(name) { () throws(GitError) in
      var reference: OpaquePointer?
      var raw = id.raw
      try check("create \(name)", unsafe git_reference_create(&reference, pointer, name, &raw, 0, message))
      unsafe git_reference_free(reference)
    }
  }

  /// Moves a ref from a known value to another; `code == .modified` when somebody was faster. `from == nil` forces.
  func moveReference(_ name: String, from old: ObjectID?, to id: ObjectID, message: String) throws(GitError) {
    try retryingLocks(name) { () throws(GitError) in
      var reference: OpaquePointer?
      var raw = id.raw
      if let old {
        var expected = old.raw
        try check(
          "move \(name)", unsafe git_reference_create_matching(&reference, pointer, name, &raw, 1, &expected, message))
      } else {
        try check("move \(name)", unsafe git_reference_create(&reference, pointer, name, &raw, 1, message))
      }
      unsafe git_reference_free(reference)
    }
  }

  /// Moves a ref with its lock held while `body` does what belongs to it. Where that throws, or the ref is locked or names something else by
  /// now (`.locked`, `.modified`), nothing moves.
  func moveReference(
    _ name: String, from old: ObjectID, to id: ObjectID, message: String, patience: UInt32,
    holding body: () throws -> Void
  ) throws {
    var transaction: OpaquePointer?
    try check("move \(name)", unsafe git_transaction_new(&transaction, pointer))
    defer { unsafe git_transaction_free(transaction) }
    try retryingLocks(name, patience: patience) { () throws(GitError) -> Void in
      try check("lock \(name)", unsafe git_transaction_lock_ref(transaction, name))
    }
    guard try target(of: name) == old else { throw GitError(.modified, "move \(name)", "it was moved meanwhile") }
    try body()
    var raw = id.raw
    try check("move \(name)", unsafe git_transaction_set_target(transaction, name, &raw, nil, message))
    try check("move \(name)", unsafe git_transaction_commit(transaction))
  }

  /// Deletes a ref if it still names `id`; says whether it did.
  @discardableResult
  func deleteReference(_ name: String, at id: ObjectID?) throws(GitError) -> Bool {
    try retryingLocks(name) { () throws(GitError) in
      var reference: OpaquePointer?
      let status = unsafe git_reference_lookup(&reference, pointer, name)
      if status == GIT_ENOTFOUND.rawValue { return false }
      try check("read \(name)", status)
      defer { unsafe git_reference_free(reference) }
      if let id, unsafe ObjectID(git_reference_target(reference)) != id { return false }
      try check("delete \(name)", unsafe git_reference_delete(reference))
      return true
    }
  }

  /// `git` and libgit2 give up at once when another process holds a ref's lock file for its microseconds. We do not: that
  /// is how concurrent creation fails for a false reason.
  private func retryingLocks<Result>(
    _ name: String, patience: UInt32 = 10_000_000, _ body: () throws(GitError) -> Result
  ) throws(GitError) -> Result {
    var pause: UInt32 = 500
    var waited: UInt32 = 0
    while true {
      do {
        return try body()
      } catch {
        // An OS error here is a directory of refs that a concurrent deletion pruned between look and use.
        let transient = error.code == .locked || (error.code == .failed && waited < 200_000)
        guard transient, waited < patience else { throw error }
        if error.code == .locked, waited > 1_000_000 { DeadRefLocks(common: commonDirectory).remove(of: name) }
        usleep(pause)
        waited += pause
        pause = min(pause * 2, 50_000)
      }
    }
  }
}
