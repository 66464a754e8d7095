import CGit2
import CLinux
import Glibc
import SystemPackage

/// Writes single files of a checkout and notes in the index entry what the file system says of them. One per thread.
@safe
struct FileWriter: ~Copyable {
  // SAFETY: both belong to the thread that made this value; `repository` is borrowed from its owner, who outlives it.
  private let repository: OpaquePointer
  private let odb: OpaquePointer
  let root: CInt
  let plan: SmudgePlan
  private let commit: git_oid

  init(_ repository: borrowing Repository, root: CInt, plan: SmudgePlan) throws(GitError) {
    var handle: OpaquePointer?
    try check("open the objects", unsafe git_repository_odb(&handle, repository.pointer))
    unsafe odb = handle!
    unsafe self.repository = unsafe repository.pointer
    self.root = root
    self.plan = plan
    commit = plan.commit.raw
  }

  deinit { unsafe git_odb_free(odb) }

  func write(_ entry: UnsafeMutablePointer<git_index_entry>) throws(GitError) {
    let mode = unsafe entry.pointee.mode
    // A submodule is an empty directory, made already.
    if mode == GIT_FILEMODE_COMMIT.rawValue { return }
    try unsafe withContents(entry, isLink: mode == GIT_FILEMODE_LINK.rawValue) { bytes throws(GitError) in
      if mode == GIT_FILEMODE_LINK.rawValue, !plan.linksAreFiles {
        try unsafe link(entry, to: bytes)
      } else {
        try unsafe create(entry, bytes, mode: mode == GIT_FILEMODE_BLOB_EXECUTABLE.rawValue ? 0o777 : 0o666)
      }
    }
  }

  /// The bytes that belong into the working tree: the blob, through line-end conversion where attributes ask for it.
  func withContents(
    _ entry: UnsafePointer<git_index_entry>, isLink: Bool, _ body: (UnsafeRawBufferPointer) throws(GitError) -> Void
  ) throws(GitError) {
    var id = unsafe entry.pointee.id
    guard plan.asksForEach, !isLink else {
      var object: OpaquePointer?
      try check("read \(unsafe String(cString: entry.pointee.path))", unsafe git_odb_read(&object, odb, &id))
      defer { unsafe git_odb_object_free(object) }
      return try unsafe body(
        UnsafeRawBufferPointer(start: git_odb_object_data(object), count: git_odb_object_size(object)))
    }
    // As a blob, not as bytes: `$Id$` is replaced by the blob's name.
    var blob: OpaquePointer?
    try check("read \(unsafe String(cString: entry.pointee.path))", unsafe git_blob_lookup(&blob, repository, &id))
    defer { unsafe git_blob_free(blob) }
    var options = unsafe git_filter_options()
    unsafe options.version = UInt32(GIT_FILTER_OPTIONS_VERSION)
    unsafe options.flags = GIT_FILTER_ATTRIBUTES_FROM_COMMIT.rawValue
    unsafe options.attr_commit_id = commit
    var filters: OpaquePointer?
    try check(
      "read the attributes of \(unsafe String(cString: entry.pointee.path))",
      unsafe git_filter_list_load_ext(&filters, repository, blob, entry.pointee.path, GIT_FILTER_TO_WORKTREE, &options))
    guard let filters = unsafe filters else {
      return try unsafe body(
        UnsafeRawBufferPointer(start: git_blob_rawcontent(blob), count: Int(git_blob_rawsize(blob))))
    }
    defer { unsafe git_filter_list_free(filters) }
    var out = unsafe git_buf()
    defer { unsafe git_buf_dispose(&out) }
    try check(
      "convert \(unsafe String(cString: entry.pointee.path))",
      unsafe git_filter_list_apply_to_blob(&out, filters, blob))
    try unsafe body(UnsafeRawBufferPointer(start: out.ptr, count: out.size))
  }

  private func create(
    _ entry: UnsafeMutablePointer<git_index_entry>, _ bytes: UnsafeRawBufferPointer, mode: mode_t
  ) throws(GitError) {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let file = unsafe openat(root, entry.pointee.path, flags, mode)
    guard file >= 0 else { throw unsafe failure(entry) }
    try unsafe fill(file, entry, bytes)
  }

  /// Brings one path of a clean tree to another entry. A file in its place: for one that is made anew ext4 looks past every inode that was just freed.
  func overwrite(_ entries: EntryList, _ position: Int) throws(GitError) {
    let entry = unsafe entries[position]
    guard let file = unsafe openToOverwrite(entry) else {
      try remove(entries, position)
      if unsafe entry.pointee.mode == GIT_FILEMODE_COMMIT.rawValue, unsafe mkdirat(root, entry.pointee.path, 0o777) != 0
      {
        throw unsafe failure(entry)
      }
      return try unsafe write(entry)
    }
    var isOpen = true
    defer { if isOpen { close(file) } }
    try unsafe withContents(entry, isLink: false) { bytes throws(GitError) in
      isOpen = false
      try unsafe fill(file, entry, bytes)
    }
  }

  /// `nil`: it is not a plain file with the right permissions and one name.
  private func openToOverwrite(_ entry: UnsafePointer<git_index_entry>) -> CInt? {
    let mode = unsafe entry.pointee.mode
    guard mode == GIT_FILEMODE_BLOB.rawValue || mode == GIT_FILEMODE_BLOB_EXECUTABLE.rawValue else { return nil }
    let file = unsafe openat(root, entry.pointee.path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return nil }
    var status = stat()
    guard unsafe fstat(file, &status) == 0, status.st_mode == Self.fileMode(mode), status.st_nlink == 1 else {
      close(file)
      return nil
    }
    return file
  }

  /// What the file system says of a file that `write` made.
  static func fileMode(_ mode: UInt32) -> mode_t {
    S_IFREG | ((mode == GIT_FILEMODE_BLOB_EXECUTABLE.rawValue ? 0o777 : 0o666) & ~Files.creationMask)
  }

  /// Gives an open file its contents, whatever it has, and closes it.
  private func fill(
    _ file: CInt, _ entry: UnsafeMutablePointer<git_index_entry>, _ bytes: UnsafeRawBufferPointer
  ) throws(GitError) {
    var offset = 0
    while offset < bytes.count {
      let written = unsafe Glibc.write(file, bytes.baseAddress! + offset, bytes.count - offset)
      if written < 0 {
        if errno == EINTR { continue }
        let error = unsafe failure(entry)
        close(file)
        throw error
      }
      offset += written
    }
    var status = stat()
    var known = unsafe fstat(file, &status)
    // Not cut off before: a file that was emptied and written anew ext4 begins to write out as it is closed (auto_da_alloc).
    if known == 0, status.st_size > bytes.count {
      known = ftruncate(file, bytes.count)
      if known == 0 { known = unsafe fstat(file, &status) }
    }
    guard known == 0 else {
      let error = unsafe failure(entry)
      close(file)
      throw error
    }
    guard close(file) == 0 else { throw unsafe failure(entry) }
    unsafe note(status, in: entry)
  }

  private func link(_ entry: UnsafeMutablePointer<git_index_entry>, to bytes: UnsafeRawBufferPointer) throws(GitError) {
    let target = unsafe [UInt8](bytes) + [0]
    let made = unsafe target.withUnsafeBufferPointer { buffer in
      unsafe buffer.withMemoryRebound(to: CChar.self) { unsafe symlinkat($0.baseAddress!, root, entry.pointee.path) }
    }
    var status = stat()
    guard made == 0, unsafe fstatat(root, entry.pointee.path, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      throw unsafe failure(entry)
    }
    unsafe note(status, in: entry)
  }

  func failure(_ entry: UnsafePointer<git_index_entry>) -> GitError {
    let reason = Errno(rawValue: errno)
    return GitError(.failed, "write \(unsafe String(cString: entry.pointee.path))", "\(reason)")
  }
}

/// Notes what the file system says of a file, as git keeps it: 32 bits of each.
func note(_ status: stat, in entry: UnsafeMutablePointer<git_index_entry>) {
  unsafe entry.pointee.ctime = git_index_time(
    seconds: Int32(truncatingIfNeeded: status.st_ctim.tv_sec),
    nanoseconds: UInt32(truncatingIfNeeded: status.st_ctim.tv_nsec))
  unsafe entry.pointee.mtime = git_index_time(
    seconds: Int32(truncatingIfNeeded: status.st_mtim.tv_sec),
    nanoseconds: UInt32(truncatingIfNeeded: status.st_mtim.tv_nsec))
  unsafe entry.pointee.dev = UInt32(truncatingIfNeeded: status.st_dev)
  unsafe entry.pointee.ino = UInt32(truncatingIfNeeded: status.st_ino)
  unsafe entry.pointee.uid = status.st_uid
  unsafe entry.pointee.gid = status.st_gid
  unsafe entry.pointee.file_size = UInt32(truncatingIfNeeded: status.st_size)
}
