import CGit2
import Glibc
import SystemPackage
import Tenant

/// A commit's index in the form of its file, made straight from the commit's trees: whoever writes the files notes their state in it, and
/// then it is written as it stands. The format is git's documented one (gitformat-index, version 2, with the trees' names).
///
/// Why not libgit2's: it holds each entry in twice as many bytes, and the file that it makes of them beside that. For a large
/// repository that is most of what a checkout holds.
@safe
final class IndexDraft: @unchecked Sendable {
  // SAFETY: `memory` has `capacity` bytes from init to deinit, and moves only in `reserve`, which init calls. After it
  // threads read and write disjoint entries.
  private var memory: UnsafeMutableRawPointer
  private var capacity = 1 << 16
  private var used = IndexFile.headerBytes
  /// Where each entry begins.
  private var starts: [UInt32] = []
  /// The TREE extension's contents; `nil` where git would not believe them.
  private var trees: [UInt8]?
  /// The blobs of all `.gitattributes`.
  private(set) var attributes: [ObjectID] = []

  private static let slash = UInt8(ascii: "/")

  var count: Int { starts.count }

  /// Reads the trees of `commit`, and makes the commit's directories in `root`: each exactly once, and never one that is there.
  init(of commit: ObjectID, in repository: borrowing Repository, directoriesIn root: CInt) throws(GitError) {
    unsafe memory = malloc(capacity)!
    let tree = try TreeHandle(of: commit, in: repository)
    let names = try Index()
    let walk = unsafe Walk(repository: repository.pointer, root: root)
    let (record, isWhole) = try unsafe add(tree.pointer, [], named: [], walk, names)
    trees = isWhole ? record : nil
  }

  deinit { unsafe free(memory) }

  /// What a writer of files has to know of an entry. Its path is valid as long as the draft.
  func entry(_ position: Int) -> git_index_entry {
    let start = unsafe memory + Int(starts[position])
    var entry = unsafe git_index_entry()
    unsafe entry.mode = UInt32(bigEndian: start.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
    unsafe withUnsafeMutableBytes(of: &entry.id) { id in
      unsafe id.copyMemory(from: UnsafeRawBufferPointer(start: start + 40, count: IndexFile.digestBytes))
    }
    unsafe entry.path = unsafe UnsafePointer((start + IndexFile.fixedBytes).assumingMemoryBound(to: CChar.self))
    return unsafe entry
  }

  /// Takes over what was noted of the file.
  func keep(_ entry: git_index_entry, _ position: Int) {
    let start = Int(starts[position])
    let words = unsafe [
      UInt32(bitPattern: entry.ctime.seconds), entry.ctime.nanoseconds, UInt32(bitPattern: entry.mtime.seconds),
      entry.mtime.nanoseconds, entry.dev, entry.ino, entry.mode, entry.uid, entry.gid, entry.file_size,
    ]
    for (number, word) in words.enumerated() { put(word, at: start + 4 * number) }
  }

  func write(to path: FilePath) throws(GitError) {
    finishHeader()
    do throws(HostError) {
      var file = try IndexFile(creating: path)
      try unsafe file.write(UnsafeRawBufferPointer(start: memory, count: used))
      if let trees { try file.write(Array("TREE".utf8) + IndexFile.bytes(UInt32(trees.count)) + trees) }
      try file.close()
    } catch {
      throw GitError(.failed, "write the index", "\(error)")
    }
  }

  private func finishHeader() {
    for (offset, byte) in "DIRC".utf8.enumerated() { put(byte, at: offset) }
    put(UInt32(2), at: 4)
    put(UInt32(count), at: 8)
  }

  // MARK: - Reading the trees

  @safe
  private struct Walk {
    // SAFETY: borrowed from the repository that init has.
    let repository: OpaquePointer
    /// Where directories are made.
    let root: CInt
  }

  /// Adds what is in a tree. The answer is what the TREE extension says of it and of those below, and whether git would say the same:
  /// a tree without files has no place in an index.
  private func add(
    _ tree: OpaquePointer, _ path: [UInt8], named name: [UInt8], _ walk: Walk, _ names: borrowing Index
  ) throws(GitError) -> (record: [UInt8], isWhole: Bool) {
    let first = count
    var (below, subtrees, isWhole) = ([UInt8](), 0, true)
    for position in unsafe 0..<git_tree_entrycount(tree) {
      guard let entry = unsafe git_tree_entry_byindex(tree, position) else { continue }
      let (text, mode) = unsafe (git_tree_entry_name(entry)!, git_tree_entry_filemode(entry).rawValue)
      let (id, isTree) = unsafe (git_tree_entry_id(entry)!.pointee, mode == GIT_FILEMODE_TREE.rawValue)
      try unsafe admit(text, mode, id, names)
      let own = unsafe [UInt8](UnsafeRawBufferPointer(start: text, count: strlen(text)))
      if isTree || mode == GIT_FILEMODE_COMMIT.rawValue { try makeDirectory(path + own, walk.root) }
      if isTree {
        var (raw, child): (git_oid, OpaquePointer?) = (id, nil)
        try check("read a tree", unsafe git_tree_lookup(&child, walk.repository, &raw))
        defer { unsafe git_tree_free(child) }
        let found = try unsafe add(child!, path + own + [Self.slash], named: own, walk, names)
        below += found.record
        isWhole = isWhole && found.isWhole
        subtrees += 1
      } else {
        try append(path + own, mode, id)
      }
    }
    let id = unsafe ObjectID(git_tree_id(tree)!.pointee)
    let record = name + [0] + Array("\(count - first) \(subtrees)\n".utf8) + id.bytes + below
    return (record, isWhole && (count > first || path.isEmpty))
  }

  /// libgit2 says which names have no place in a working tree (`.git`, `..`, what other systems take for one of them).
  private func admit(
    _ name: UnsafePointer<CChar>, _ mode: UInt32, _ id: git_oid, _ names: borrowing Index
  ) throws(GitError) {
    guard unsafe strchr(name, CInt(Self.slash)) == nil else {
      throw GitError(.failed, "read a tree", "\(unsafe String(cString: name)) is not a name")
    }
    var entry = unsafe git_index_entry()
    unsafe entry.path = unsafe name
    unsafe entry.mode = mode == GIT_FILEMODE_TREE.rawValue ? GIT_FILEMODE_BLOB.rawValue : mode
    unsafe entry.id = id
    try check("admit \(unsafe String(cString: name))", unsafe git_index_add(names.pointer, &entry))
    // It is kept for its judgement only.
    if names.count >= 64 { try check("forget names", unsafe git_index_clear(names.pointer)) }
  }

  private func makeDirectory(_ path: [UInt8], _ root: CInt) throws(GitError) {
    let made = unsafe (path + [0]).withUnsafeBytes { bytes in
      unsafe mkdirat(root, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), 0o777)
    }
    guard made == 0 else {
      throw GitError(.failed, "check out", "\(String(decoding: path, as: UTF8.self)): \(Errno(rawValue: errno))")
    }
  }

  private func append(_ path: [UInt8], _ mode: UInt32, _ id: git_oid) throws(GitError) {
    // Git's order of names in trees is that of whole paths: what is not in it was made by hand.
    if let last = starts.last {
      let before = unsafe memory.advanced(by: Int(last) + IndexFile.fixedBytes).assumingMemoryBound(to: CChar.self)
      let order = unsafe (path + [0]).withUnsafeBytes { bytes in
        unsafe strcmp(before, bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
      }
      guard order < 0 else {
        throw GitError(.failed, "read a tree", "\(String(decoding: path, as: UTF8.self)) is out of git's order")
      }
    }
    guard let start = UInt32(exactly: used) else { throw GitError(.failed, "read a tree", "too many files") }
    starts.append(start)
    let size = IndexFile.entryBytes(path: path.count)
    let length = UInt16(min(path.count, 0x0fff))
    reserve(size)
    unsafe memset(memory + used, 0, size)
    put(mode, at: used + 24)
    unsafe withUnsafeBytes(of: id) { id in
      unsafe (memory + used + 40).copyMemory(from: id.baseAddress!, byteCount: IndexFile.digestBytes)
    }
    unsafe memory.storeBytes(of: length.bigEndian, toByteOffset: used + 60, as: UInt16.self)
    unsafe UnsafeMutableRawBufferPointer(start: memory + used + IndexFile.fixedBytes, count: path.count).copyBytes(
      from: path)
    used += size
    if path.suffix(14).elementsEqual(".gitattributes".utf8), path.count == 14 || path[path.count - 15] == Self.slash {
      attributes.append(ObjectID(id))
    }
  }

  // MARK: - Bytes

  private func reserve(_ count: Int) {
    guard used + count > capacity else { return }
    // Moved by the kernel, not copied: a copy would be the most that a checkout holds.
    while used + count > capacity { capacity *= 2 }
    unsafe memory = realloc(memory, capacity)!
  }

  private func put(_ word: UInt32, at offset: Int) {
    unsafe memory.storeBytes(of: word.bigEndian, toByteOffset: offset, as: UInt32.self)
  }

  private func put(_ byte: UInt8, at offset: Int) {
    unsafe memory.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
  }
}
