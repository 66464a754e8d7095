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
    let old = try FileReading.read(source, maximumBytes: 1 << 30)
    guard let new = patch(old) else { return false }
    let file = try OwnedDescriptor(opening: target, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644, operation: "write")
    try file.writeAll(new, target)
    try file.closeChecked(target)
    return true
  }

  /// The new file. Extensions are left out: they are caches of what just changed.
  func patch(_ old: [UInt8]) -> [UInt8]? {
    guard old.count >= 12 + Self.digestBytes, Array(old[0..<4]) == Array("DIRC".utf8) else { return nil }
    let version = Self.word(old, 4)
    guard version == 2 || version == 3 else { return nil }
    let count = Int(Self.word(old, 8))
    let sorted = changes.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    var new: [UInt8] = []
    new.reserveCapacity(old.count + sorted.count * 128)
    new += old[0..<12]
    var (position, copied, next, total) = (12, 12, 0, count)
    for _ in 0..<count {
      guard let entry = Self.entry(old, position) else { return nil }
      while next < sorted.count {
        let order = Self.compare(sorted[next].path, old, entry.path)
        if order > 0 { break }
        new += old[copied..<position]
        copied = order == 0 ? entry.end : position
        if case .put(let put) = sorted[next].change {
          Self.append(put, sorted[next].path, to: &new)
          if order < 0 { total += 1 }
        } else if order == 0 {
          total -= 1
        }
        next += 1
        // The entry itself is dealt with; two changes of one path do not occur.
        if order == 0 { break }
      }
      position = entry.end
    }
    new += old[copied..<position]
    for change in sorted[next...] {
      guard case .put(let put) = change.change else { continue }
      Self.append(put, change.path, to: &new)
      total += 1
    }
    for (offset, byte) in Self.bytes(UInt32(total)).enumerated() { new[8 + offset] = byte }
    var digest = [UInt8](repeating: 0, count: Self.digestBytes)
    unsafe clinux_sha1(new, new.count, &digest)
    return new + digest
  }

  /// Where an entry's path and the entry itself end. Conflicted ones have no place in a clean tree.
  private static func entry(_ bytes: [UInt8], _ start: Int) -> (path: Range<Int>, end: Int)? {
    guard start + fixedBytes + 1 < bytes.count - digestBytes else { return nil }
    let flags = Int(bytes[start + 60]) << 8 | Int(bytes[start + 61])
    guard flags & 0x3000 == 0 else { return nil }
    let first = start + fixedBytes + (flags & 0x4000 != 0 ? 2 : 0)
    var length = flags & 0x0fff
    if length == 0x0fff {
      guard let end = bytes[first...].firstIndex(of: 0) else { return nil }
      length = end - first
    }
    // One to eight zeros, up to a multiple of eight.
    let size = (first - start + length + 8) & ~7
    guard start + size <= bytes.count - digestBytes, bytes[first + length] == 0 else { return nil }
    return (first..<first + length, start + size)
  }

  private static func compare(_ path: [UInt8], _ bytes: [UInt8], _ range: Range<Int>) -> Int {
    let shared = min(path.count, range.count)
    let order = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe memcmp(path, buffer.baseAddress! + range.lowerBound, shared)
    }
    return order != 0 ? Int(order) : path.count - range.count
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

  private static func word(_ bytes: [UInt8], _ start: Int) -> UInt32 {
    bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func bytes(_ word: UInt32) -> [UInt8] {
    [UInt8(word >> 24), UInt8(word >> 16 & 0xff), UInt8(word >> 8 & 0xff), UInt8(word & 0xff)]
  }
}
