import CGit2
import SystemPackage

extension Repository {
  /// Which of `tips`' commits no commit of `known` leads to, newest first, at most `limit`.
  func commits(from tips: [ObjectID], notIn known: [ObjectID], limit: Int = 1000) throws(GitError) -> [ObjectID] {
    if isShallow { return Array(try ShallowHistory.commits(from: tips, notIn: known, in: self).prefix(limit)) }
    var walk: OpaquePointer?
    try check("walk the history", unsafe git_revwalk_new(&walk, pointer))
    defer { unsafe git_revwalk_free(walk) }
    for tip in Set(tips) {
      var raw = tip.raw
      // A reflog names commits that may be gone: what is not there cannot be lost any more.
      _ = unsafe git_revwalk_push(walk, &raw)
    }
    for id in Set(known) {
      var raw = id.raw
      // Refs to trees and blobs are no history.
      _ = unsafe git_revwalk_hide(walk, &raw)
    }
    var found: [ObjectID] = []
    var raw = git_oid()
    while found.count < limit {
      let status = unsafe git_revwalk_next(&raw, walk)
      if status == GIT_ITEROVER.rawValue { break }
      try check("walk the history", status)
      found.append(ObjectID(raw))
    }
    return found
  }

  /// Whether some commit of `known` leads to `id`.
  func isReachable(_ id: ObjectID, from known: [ObjectID]) throws(GitError) -> Bool {
    if known.contains(id) { return true }
    return try commits(from: [id], notIn: known, limit: 1).isEmpty
  }

  func mergeBase(_ one: ObjectID, _ other: ObjectID) throws(GitError) -> ObjectID? {
    if isShallow { return try ShallowHistory.mergeBase(one, other, in: self) }
    var (first, second, base) = (one.raw, other.raw, git_oid())
    let status = unsafe git_merge_base(&base, pointer, &first, &second)
    if status == GIT_ENOTFOUND.rawValue { return nil }
    try check("find the merge base", status)
    return ObjectID(base)
  }

  /// How many commits each side has that the other has not.
  func divergence(_ local: ObjectID, _ upstream: ObjectID) throws(GitError) -> (ahead: Int, behind: Int) {
    if isShallow {
      let mine = try ShallowHistory.commits(from: [local], notIn: [upstream], in: self)
      return (mine.count, try ShallowHistory.commits(from: [upstream], notIn: [local], in: self).count)
    }
    var (mine, theirs, ahead, behind) = (local.raw, upstream.raw, 0, 0)
    try check("compare histories", unsafe git_graph_ahead_behind(&ahead, &behind, pointer, &mine, &theirs))
    return (ahead, behind)
  }

  /// The stash's entries, newest first.
  func stash() throws(GitError) -> [ObjectID] {
    var log: OpaquePointer?
    try check("read the stash", unsafe git_reflog_read(&log, pointer, "refs/stash"))
    defer { unsafe git_reflog_free(log) }
    return unsafe (0..<git_reflog_entrycount(log)).compactMap { position in
      unsafe git_reflog_entry_byindex(log, position).flatMap { unsafe ObjectID(git_reflog_entry_id_new($0)) }
    }
  }
}
