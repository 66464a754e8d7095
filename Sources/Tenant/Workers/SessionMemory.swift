import Glibc
import SystemPackage

/// Gives back what only some moment needed. A holder lives for days beside many others, and the program's pages that it ran through on its
/// way stay counted as its memory until somebody else wants the room.
struct SessionMemory {
  /// How long after it began to do something it is trimmed again; so often at most, too.
  static let pause = 2.0

  /// When to look again; `nil` while it only waits.
  private(set) var due: Double?

  /// Something was done.
  mutating func used(now: Double) {
    if due == nil { due = now + Self.pause }
  }

  mutating func trimIfDue(now: Double) {
    guard let due, now >= due else { return }
    self.due = nil
    Self.trim()
  }

  /// Drops the pages that are still as they are in the program's file: they come back from there when they are touched again. What was
  /// written to is this process's own and stays.
  static func trim() {
    guard let maps = FileReading.of("/proc/self/maps", maximumBytes: 1 << 20).text,
      let pages = try? OwnedDescriptor(opening: "/proc/self/pagemap", O_RDONLY)
    else { return }
    for line in maps.split(separator: "\n") {
      let fields = line.split(separator: " ", maxSplits: 5)
      guard fields.count == 6, fields[1].hasSuffix("p"), fields[5].drop(while: { $0 == " " }).first == "/" else {
        continue
      }
      let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      if ends.count == 2 { trim(ends[0]..<ends[1], pages) }
    }
  }

  private static func trim(_ range: Range<UInt>, _ pages: borrowing OwnedDescriptor) {
    let size = UInt(sysconf(CInt(_SC_PAGESIZE)))
    var entries = [UInt64](repeating: 0, count: range.count / Int(size))
    let offset = off_t(range.lowerBound / size) * 8
    let count = unsafe entries.withUnsafeMutableBytes { unsafe pread(pages.raw, $0.baseAddress, $0.count, offset) }
    guard count == entries.count * 8 else { return }
    var index = 0
    while index < entries.count {
      let run = entries[index...].prefix(while: isTheFiles).count
      if run > 0, let start = unsafe UnsafeMutableRawPointer(bitPattern: range.lowerBound + UInt(index) * size) {
        _ = unsafe madvise(start, run * Int(size), CInt(MADV_DONTNEED))
      }
      index += run + 1
    }
  }

  /// Of a private mapping: there, and never written to (bits 63 and 61 of `/proc/PID/pagemap`).
  private static func isTheFiles(_ entry: UInt64) -> Bool { entry >> 61 & 0b101 == 0b101 }
}
