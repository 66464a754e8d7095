import CGit2
import CLinux
import Glibc
import SystemPackage

extension FileWriter {
  /// Whether the file is exactly what `write` would make, down to its permissions, and nobody else has a name for it. Notes
  /// what the file system says of it if so.
  func verify(_ entries: EntryList, _ position: Int) throws(GitError) -> Bool {
    let entry = unsafe entries[position]
    let mode = unsafe entry.pointee.mode
    if mode == GIT_FILEMODE_COMMIT.rawValue { return true }
    if mode == GIT_FILEMODE_LINK.rawValue, !plan.linksAreFiles { return try unsafe verifyLink(entry) }
    let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    let file = unsafe openat(root, entry.pointee.path, flags)
    guard file >= 0 else { return false }
    defer { close(file) }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { return false }
    guard status.st_mode == Self.fileMode(mode), status.st_nlink == 1, !Files.hasAttributes(file) else { return false }
    var same = false
    try unsafe withContents(entry, isLink: false) { bytes throws(GitError) in
      same = unsafe status.st_size == bytes.count && Self.equals(file, bytes)
    }
    if same { unsafe note(status, in: entry) }
    return same
  }

  private func verifyLink(_ entry: UnsafeMutablePointer<git_index_entry>) throws(GitError) -> Bool {
    var status = stat()
    guard unsafe fstatat(root, entry.pointee.path, &status, AT_SYMLINK_NOFOLLOW) == 0,
      status.st_mode & S_IFMT == S_IFLNK, status.st_nlink == 1
    else { return false }
    var buffer = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe readlinkat(root, entry.pointee.path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    var same = false
    try unsafe withContents(entry, isLink: true) { bytes throws(GitError) in
      same = unsafe count == bytes.count && buffer.prefix(max(0, count)).elementsEqual(bytes)
    }
    if same { unsafe note(status, in: entry) }
    return same
  }

  private static func equals(_ file: CInt, _ bytes: UnsafeRawBufferPointer) -> Bool {
    unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
      var offset = 0
      while offset < bytes.count {
        let count = unsafe Glibc.read(file, buffer.baseAddress, min(buffer.count, bytes.count - offset))
        if count < 0, errno == EINTR { continue }
        guard count > 0, unsafe memcmp(buffer.baseAddress!, bytes.baseAddress! + offset, count) == 0 else {
          return false
        }
        offset += count
      }
      return true
    }
  }

  /// Makes room for `write`, whatever stands there.
  func remove(_ entries: EntryList, _ position: Int) throws(GitError) {
    let entry = unsafe entries[position]
    if unsafe unlinkat(root, entry.pointee.path, 0) == 0 || errno == ENOENT { return }
    if errno == EISDIR, unsafe unlinkat(root, entry.pointee.path, AT_REMOVEDIR) == 0 { return }
    throw unsafe failure(entry)
  }
}
