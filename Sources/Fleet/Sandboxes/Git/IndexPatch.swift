import CLinux
import Glibc
import SystemPackage
import Tenant

/// Changes some entries of an index file without reading the others: what is unchanged is copied as it stands.
///
/// Why not through libgit2: to change a hundred of 50,000 entries it makes 50,000 objects of the file, hashes it slowly, and makes
/// a file of the objects again, which is most of what taking a pooled tree would cost. The format is git's documented one
/// (gitformat-index, versions 2 and 3); anything else is refused, and the caller does it the slow way.
struct IndexPatch {
  enum Change {
    case remove
    case put(Entry)
  }

  /// What an index says of a file, in its order.
  struct Entry {
    var status: stat
    var mode: UInt32
    var id: ObjectID
  }

  private static let fixedBytes = 62
  private static let digestBytes = 20

  /// By path. A path that an index lacks is inserted, one that it has is replaced.
  private var changes: [(path: [UInt8], change: Change)] = []

  mutating func remove(_ path: FilePath) { changes.append((PathText.bytes(path), .remove)) }
  mutating func put(_ path: FilePath, _ entry: Entry) { changes.append((PathText.bytes(path), .put(entry))) }

  /// Writes the changed index to `target`. `false` for a format that is not known here.
  func apply(_ source: FilePath, to target: FilePath) throws -> Bool {
    let old = try MappedFile(source)
    guard let new = unsafe patch(old.bytes) else { return false }
    let file = try OwnedDescriptor(opening: target, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644, operation: "write")
    try file.writeAll(new, target)
    try file.closeChecked(target)
    return true
  }

  /// The new file. Extensions are left out: they are caches of what just changed.
  func patch(_ old: UnsafeRawBufferPointer) -> [UInt8]? {
    guard old.count >= 12 + Self.digestBytes, unsafe old.starts(with: Array("DIRC".utf8)) else { return nil }
    let version = unsafe Self.word(old, 4)
    guard version == 2 || version == 3 else { return nil }
    let count = unsafe Int(Self.word(old, 8))
    // From behind, so that the next one is the last.
    var left = changes.sorted { $1.path.lexicographicallyPrecedes($0.path) }
    var new: [UInt8] = []
    new.reserveCapacity(old.count + left.reduce(0) { $0 + $1.path.count + 128 })
    unsafe new += old[0..<12]
    var (position, copied, total) = (12, 12, count)
    var next = left.popLast()
    for _ in 0..<count {
      guard let entry = unsafe Self.entry(old, position) else { return nil }
      while let (path, change) = next {
        let order = unsafe Self.compare(path, old[entry.path])
        if order > 0 { break }
        unsafe new += old[copied..<position]
        copied = order == 0 ? entry.end : position
        if case .put(let put) = change {
          Self.append(put, path, to: &new)
          if order < 0 { total += 1 }
        } else if order == 0 {
          total -= 1
        }
        next = left.popLast()
        // The entry itself is dealt with; two changes of one path do not occur.
        if order == 0 { break }
      }
      position = entry.end
    }
    unsafe new += old[copied..<position]
    while let (path, change) = next {
      if case .put(let put) = change {
        Self.append(put, path, to: &new)
        total += 1
      }
      next = left.popLast()
    }
    for (offset, byte) in Self.bytes(UInt32(total)).enumerated() { new[8 + offset] = byte }
    var digest = [UInt8](repeating: 0, count: Self.digestBytes)
    unsafe clinux_sha1(new, new.count, &digest)
    new += digest
    return new
  }

  /// Where an entry's path and the entry itself end. Conflicted ones have no place in a clean tree.
  private static func entry(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> (path: Range<Int>, end: Int)? {
    guard start + fixedBytes + 1 < bytes.count - digestBytes else { return nil }
    let flags = unsafe Int(bytes[start + 60]) << 8 | Int(bytes[start + 61])
    guard flags & 0x3000 == 0 else { return nil }
    let first = start + fixedBytes + (flags & 0x4000 != 0 ? 2 : 0)
    var length = flags & 0x0fff
    if length == 0x0fff {
      guard let end = unsafe bytes[first...].firstIndex(of: 0) else { return nil }
      length = end - first
    }
    // One to eight zeros, up to a multiple of eight.
    let size = (first - start + length + 8) & ~7
    guard start + size <= bytes.count - digestBytes, unsafe bytes[first + length] == 0 else { return nil }
    return (first..<first + length, start + size)
  }

  private static func compare(_ path: [UInt8], _ other: Slice<UnsafeRawBufferPointer>) -> Int {
    let order = unsafe path.withUnsafeBytes { path in
      unsafe memcmp(path.baseAddress!, other.base.baseAddress! + other.startIndex, min(path.count, other.count))
    }
    return unsafe order != 0 ? Int(order) : path.count - other.count
  }

  private static func append(_ entry: Entry, _ path: [UInt8], to bytes: inout [UInt8]) {
    let start = bytes.count
    let status = entry.status
    for word in [
      UInt32(truncatingIfNeeded: status.st_ctim.tv_sec), UInt32(truncatingIfNeeded: status.st_ctim.tv_nsec),
      UInt32(truncatingIfNeeded: status.st_mtim.tv_sec), UInt32(truncatingIfNeeded: status.st_mtim.tv_nsec),
      UInt32(truncatingIfNeeded: status.st_dev), UInt32(truncatingIfNeeded: status.st_ino), entry.mode, status.st_uid,
      status.st_gid, UInt32(truncatingIfNeeded: status.st_size),
    ] { bytes += Self.bytes(word) }
    bytes += entry.id.bytes
    let length = min(path.count, 0x0fff)
    bytes += [UInt8(length >> 8), UInt8(length & 0xff)]
    bytes += path
    let size = (bytes.count - start + 8) & ~7
    bytes += repeatElement(0, count: start + size - bytes.count)
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> UInt32 {
    unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
  }

  private static func bytes(_ word: UInt32) -> [UInt8] {
    [UInt8(word >> 24), UInt8(word >> 16 & 0xff), UInt8(word >> 8 & 0xff), UInt8(word & 0xff)]
  }
}
