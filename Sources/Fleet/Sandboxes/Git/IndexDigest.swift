import CGit2
import CLinux
import Glibc
import SystemPackage
import Tenant

/// With `index.skipHash` (2.40; `feature.manyFiles` sets it) git leaves zeros where an index has its digest, and libgit2 takes that for a broken
/// file: no work of such a worktree could be judged, and it would stay for ever.
extension Repository {
  /// Has libgit2 read a copy with the digest; the file itself is not touched. The copy is there for as long as the answer, which is `nil` where
  /// there is no need of one, or no way.
  static func completeIndex(of repository: OpaquePointer, at path: FilePath) -> OwnedDescriptor? {
    guard lacksDigest(path), let old = try? MappedFile(path) else { return nil }
    let memory = unsafe clinux_memory_file("index")
    guard memory >= 0 else { return nil }
    do {
      var copy = IndexFile(OwnedDescriptor(owning: memory), path)
      try unsafe copy.write(UnsafeRawBufferPointer(rebasing: old.bytes.dropLast(IndexFile.digestBytes)))
      let copied = try copy.finish()
      let index = try Index(at: FilePath("/proc/self/fd/\(memory)"))
      unsafe git_repository_set_index(repository, index.pointer)
      return copied
    } catch {
      return nil
    }
  }

  /// Whether that is an index, of a size that one may have, and ends in zeros.
  static func lacksDigest(_ index: FilePath) -> Bool {
    guard let file = try? OwnedDescriptor(opening: index, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return false }
    let size = lseek(file.raw, 0, SEEK_END)
    guard (off_t(IndexFile.headerBytes + IndexFile.digestBytes)...mostBytes).contains(size) else { return false }
    var (header, digest) = ([UInt8](repeating: 0, count: 4), [UInt8](repeating: 1, count: IndexFile.digestBytes))
    return unsafe pread(file.raw, &header, 4, 0) == 4 && header.elementsEqual("DIRC".utf8)
      && pread(file.raw, &digest, digest.count, size - off_t(digest.count)) == digest.count
      && digest.allSatisfy { $0 == 0 }
  }

  /// Two million files. The copy is in memory, and whoever works there can make a file of any length.
  private static let mostBytes: off_t = 256 << 20
}
