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

  /// By path. A path that an index lacks is inserted, one that it has is replaced.
  private var changes: [(path: [UInt8], change: Change)] = []

  mutating func remove(_ path: FilePath) { changes.append((PathText.bytes(path), .remove)) }
  mutating func put(_ path: FilePath, _ entry: Entry) { changes.append((PathText.bytes(path), .put(entry))) }

  /// Writes the changed index to `target`. `false` for a format that is not known here.
  func apply(_ source: FilePath, to target: FilePath) throws -> Bool {
    let old = try MappedFile(source)
    guard let parts = unsafe parts(old.bytes) else { return false }
    var file = try IndexFile(creating: target)
    for part in parts {
      switch part {
      case .old(let range): try unsafe file.write(UnsafeRawBufferPointer(rebasing: old.bytes[range]))
      case .new(let bytes): try file.write(bytes)
      }
    }
    try file.close()
    return true
  }

  /// What the new file is made of.
  enum Part {
    case old(Range<Int>)
    case new([UInt8])
  }

  /// All but the digest. Extensions are left out: they are caches of what just changed.
  func parts(_ old: UnsafeRawBufferPointer) -> [Part]? {
    guard old.count >= IndexFile.headerBytes + IndexFile.digestBytes, unsafe old.starts(with: Array("DIRC".utf8)) else {
      return nil
    }
    let version = unsafe Self.word(old, 4)
    guard version == 2 || version == 3 else { return nil }
    let count = unsafe Int(Self.word(old, 8))
    // From behind, so that the next one is the last.
    var left = changes.sorted { $1.path.lexicographicallyPrecedes($0.path) }
    var parts: [Part] = []
    var (position, copied, total) = (IndexFile.headerBytes, IndexFile.headerBytes, count)
    var next = left.popLast()
    for _ in 0..<count {
      guard let entry = unsafe Self.entry(old, position) else { return nil }
      while let (path, change) = next {
        let order = unsafe Self.compare(path, old[entry.path])
        if order > 0 { break }
        if copied < position { parts.append(.old(copied..<position)) }
        copied = order == 0 ? entry.end : position
        if case .put(let put) = change {
          parts.append(.new(Self.bytes(put, path)))
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
    parts.append(.old(copied..<position))
    while let (path, change) = next {
      if case .put(let put) = change {
        parts.append(.new(Self.bytes(put, path)))
        total += 1
      }
      next = left.popLast()
    }
    return [.old(0..<8), .new(IndexFile.bytes(UInt32(total)))] + parts
  }

  /// Where an entry's path and the entry itself end. Conflicted ones have no place in a clean tree.
  private static func entry(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> (path: Range<Int>, end: Int)? {
    guard start + IndexFile.fixedBytes + 1 < bytes.count - IndexFile.digestBytes else { return nil }
    let flags = unsafe Int(bytes[start + 60]) << 8 | Int(bytes[start + 61])
    guard flags & 0x3000 == 0 else { return nil }
    let first = start + IndexFile.fixedBytes + (flags & 0x4000 != 0 ? 2 : 0)
    var length = flags & 0x0fff
    if length == 0x0fff {
      guard let end = unsafe bytes[first...].firstIndex(of: 0) else { return nil }
      length = end - first
    }
    let size = IndexFile.entryBytes(beforePath: first - start, path: length)
    guard start + size <= bytes.count - IndexFile.digestBytes, unsafe bytes[first + length] == 0 else { return nil }
    return (first..<first + length, start + size)
  }

  private static func compare(_ path: [UInt8], _ other: Slice<UnsafeRawBufferPointer>) -> Int {
    let order = unsafe path.withUnsafeBytes { path in
      unsafe memcmp(path.baseAddress!, other.base.baseAddress! + other.startIndex, min(path.count, other.count))
    }
    return unsafe order != 0 ? Int(order) : path.count - other.count
  }

  private static func bytes(_ entry: Entry, _ path: [UInt8]) -> [UInt8] {
    let status = entry.status
    var bytes: [UInt8] = []
    bytes.reserveCapacity(IndexFile.entryBytes(path: path.count))
    for word in [
      UInt32(truncatingIfNeeded: status.st_ctim.tv_sec), UInt32(truncatingIfNeeded: status.st_ctim.tv_nsec),
      UInt32(truncatingIfNeeded: status.st_mtim.tv_sec), UInt32(truncatingIfNeeded: status.st_mtim.tv_nsec),
      UInt32(truncatingIfNeeded: status.st_dev), UInt32(truncatingIfNeeded: status.st_ino), entry.mode, status.st_uid,
      status.st_gid, UInt32(truncatingIfNeeded: status.st_size),
    ] { bytes += IndexFile.bytes(word) }
    bytes += entry.id.bytes
    let length = min(path.count, 0x0fff)
    bytes += [UInt8(length >> 8), UInt8(length & 0xff)]
    bytes += path
    return bytes + repeatElement(0, count: IndexFile.entryBytes(path: path.count) - bytes.count)
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> UInt32 {
    unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
  }
}
